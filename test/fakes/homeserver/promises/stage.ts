/** What the promises play on: a homeserver, a service that listens, people and ghosts. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ask, type Json, MatrixRefusal, MatrixUser, type TestHomeserver } from "../../../matrix-client.ts";
import type { MatrixRoom, RoomOptions } from "../../../matrix-room.ts";
import type { ListeningService } from "../../listening-service.ts";

export interface Bench {
  readonly hs: TestHomeserver;
  readonly service: ListeningService;
}

export class Stage {
  #bench: Bench | undefined;
  readonly #people: MatrixUser[] = [];

  open(bench: Bench): void {
    this.#bench = bench;
  }

  async close(): Promise<void> {
    for (const person of this.#people) person.close();
    await this.#bench?.hs.stop();
    await this.#bench?.service.stop();
  }

  get hs(): TestHomeserver {
    assert.ok(this.#bench);
    return this.#bench.hs;
  }

  get service(): ListeningService {
    assert.ok(this.#bench);
    return this.#bench.service;
  }

  /** Someone whom no other test knows. */
  async person(name = "person"): Promise<MatrixUser> {
    const person = await MatrixUser.register(this.hs.url, `${name}-${randomUUID()}`);
    this.#people.push(person);
    return person;
  }

  /** A call without a token. */
  nobody(method: "GET" | "PUT" | "POST", path: string, body?: unknown): Promise<Json> {
    return ask(this.hs.url, method, path, body === undefined ? {} : { body });
  }

  /** A call by the service, as its bot or as one of its users. */
  asService(
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    options: { user?: string; body?: unknown; query?: Record<string, string> } = {},
  ): Promise<Json> {
    return this.service.call(this.hs.url, method, path, options);
  }

  get bot(): string {
    return `@${String(this.service.registration["sender_localpart"])}:${this.hs.serverName}`;
  }

  /** A registered user of the service. */
  async ghost(localpart = `_test_${randomUUID()}`): Promise<string> {
    const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
    return (await this.asService("POST", "/register", { body }))["user_id"] as string;
  }

  /** A ghost that has joined, by invitation. */
  async ghostIn(room: MatrixRoom): Promise<string> {
    const user = await this.ghost();
    await room.invite(user);
    await this.asService("POST", at(room, "join"), { user, body: {} });
    return user;
  }

  /** A room with one more person in it. */
  async roomOfTwo(options: RoomOptions = {}): Promise<{ owner: MatrixUser; guest: MatrixUser; room: MatrixRoom; there: MatrixRoom }> {
    const [owner, guest] = await Promise.all([this.person("owner"), this.person("guest")]);
    const room = await owner.createRoom({ preset: "public_chat", ...options });
    return { owner, guest, room, there: await guest.join(room.id) };
  }
}

export const at = (room: MatrixRoom, rest: string): string => `/rooms/${encodeURIComponent(room.id)}/${rest}`;

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
