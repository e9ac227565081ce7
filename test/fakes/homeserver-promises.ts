/**
 * What the fake homeserver promises, as tests that a real Synapse passes too (test/real/): where they differ, the fake is wrong.
 */
import { after, before, describe } from "node:test";
import { accountPromises } from "./homeserver/promises/accounts.ts";
import { mediaPromises } from "./homeserver/promises/media.ts";
import { membershipPromises } from "./homeserver/promises/membership.ts";
import { messagePromises } from "./homeserver/promises/messages.ts";
import { readingPromises } from "./homeserver/promises/reading.ts";
import { roomPromises } from "./homeserver/promises/rooms.ts";
import { servicePromises } from "./homeserver/promises/services.ts";
import { type Bench, Stage } from "./homeserver/promises/stage.ts";
import { syncPromises } from "./homeserver/promises/sync.ts";

export function homeserverPromises(name: string, start: () => Promise<Bench>): void {
  describe(name, () => {
    const stage = new Stage();
    before(async () => stage.open(await start()));
    after(() => stage.close());
    describe("accounts", () => accountPromises(stage));
    describe("rooms", () => roomPromises(stage));
    describe("who is in a room", () => membershipPromises(stage));
    describe("what is said", () => messagePromises(stage));
    describe("reading back", () => readingPromises(stage));
    describe("sync", () => syncPromises(stage));
    describe("media", () => mediaPromises(stage));
    describe("application services", () => servicePromises(stage));
  });
}
