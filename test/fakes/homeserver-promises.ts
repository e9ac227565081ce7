/**
 * What the fake homeserver promises, as tests that a real Synapse passes too (test/real/): where they differ, the fake is wrong.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { ask, type Json, MatrixRefusal, MatrixUser, type TestHomeserver } from "../matrix-client.ts";
import type { MatrixRoom } from "../matrix-room.ts";
import type { ListeningService } from "./listening-service.ts";

export interface Bench {
  readonly hs: TestHomeserver;
  readonly service: ListeningService;
}

/** Resolves when the homeserver says no in these words. */
export async function refused(status: number, errcode: string, attempt: Promise<unknown>): Promise<Json> {
  const error: unknown = await attempt.then(
    () => assert.fail(`not refused, though ${status} ${errcode} was due`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MatrixRefusal)) throw error;
  assert.equal(`${error.status} ${error.errcode}`, `${status} ${errcode}`, error.message);
  return error.body;
}

const v3 = "/_matrix/client/v3";
const path = (room: MatrixRoom | string, rest: string): string =>
  `/rooms/${encodeURIComponent(typeof room === "string" ? room : room.id)}/${rest}`;

export function homeserverPromises(name: string, start: () => Promise<Bench>): void {
  describe(name, () => {
    let bench: Bench;
    before(async () => {
      bench = await start();
    });
    after(async () => {
      await bench.hs.stop();
      await bench.service.stop();
    });

    /** A ghost of the service, registered. */
    const ghost = async (localpart = `_test_${randomUUID()}`): Promise<string> => {
      const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
      return (await bench.service.call(bench.hs.url, "POST", "/register", { body }))["user_id"] as string;
    };
    const asGhost = (user: string, method: "GET" | "PUT" | "POST", where: string, body?: unknown, query: Json = {}): Promise<Json> =>
      bench.service.call(bench.hs.url, method, where, { user, body, query: query as Record<string, string> });

    describe("accounts", () => {
      test("a person registers, is who they are, and logs in again with their password", async () => {
        const anna = await MatrixUser.register(bench.hs.url, `anna-${randomUUID()}`);
        const me = await anna.call("GET", "/account/whoami");
        assert.equal(me["user_id"], anna.id);
        assert.equal(me["is_guest"], false);
        const body = {
          type: "m.login.password",
          identifier: { type: "m.id.user", user: anna.id },
          password: `${anna.name} has a password`,
        };
        const session = await ask(bench.hs.url, "POST", `${v3}/login`, { body });
        assert.equal(session["user_id"], anna.id);
        assert.equal(typeof session["access_token"], "string");
        await refused(403, "M_FORBIDDEN", ask(bench.hs.url, "POST", `${v3}/login`, { body: { ...body, password: "wrong" } }));
      });
    });
  });
}
