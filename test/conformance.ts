/**
 * Every promise of `core/network.ts`, as one suite that any network runs against its own fake. What a network brings along, and how the
 * people and the faults on it are played, is told in `test/conformance/harness.ts`.
 *
 * No promise is skipped: where the capabilities say that the network lacks a thing, the suite asserts that it is refused in a sentence.
 * A fault that cannot be brought about is named, with the reason, in the test's output.
 */
import { suite } from "node:test";
import { deedPromises } from "./conformance/deeds.ts";
import type { Harness } from "./conformance/harness.ts";
import { historyPromises } from "./conformance/history.ts";
import { hostilePromises } from "./conformance/hostile.ts";
import { idPromises } from "./conformance/ids.ts";
import { lifePromises } from "./conformance/life.ts";
import { partPromises } from "./conformance/parts.ts";
import { receivePromises } from "./conformance/receiving.ts";
import { sendPromises } from "./conformance/sending.ts";

export function testNetwork<Config>(harness: Harness<Config>): void {
  const name = [harness.network.name, harness.variant].filter(Boolean).join(" ");
  suite(`${name} keeps the promises of a network`, () => {
    suite("ids", () => idPromises(harness));
    suite("parts", () => partPromises(harness));
    suite("sending", () => sendPromises(harness));
    suite("deeds", () => deedPromises(harness));
    suite("receiving", () => receivePromises(harness));
    suite("history", () => historyPromises(harness));
    suite("life", () => lifePromises(harness));
    suite("hostile input", () => hostilePromises(harness));
  });
}
