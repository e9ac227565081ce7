/**
 * A homeserver can stop pushing without a word. So the bot writes a small state event into a room of its own every few minutes and times
 * how long it takes to come back.
 */
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { findByCreation } from "./obtain-room.ts";
import { type MatrixClient, MatrixError } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { type RoomId, roomId } from "./model/ids.ts";
import type { Clock } from "./network.ts";
import type { SettingStore } from "./store/store.ts";

export interface CanaryContext {
  readonly client: MatrixClient;
  readonly settings: SettingStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds it took; undefined = it did not come. */
  heard(ms: number | undefined): void;
  /** Called once when pushes stop coming, with what to do about it. */
  lost(why: string): Promise<void>;
  /** Asks the homeserver to call us, which makes it try again at once. */
  ping(): Promise<void>;
}

const TYPE = "io.causeway.canary";
const ROOM = "canary.room";
/** What its creation content, and the note that it is being made, are called. */
const BEGUN = "io.causeway.canary.room";
const EVERY = 300_000;
const PATIENCE = 60_000;

export class Canary {
  readonly #context: CanaryContext;
  #sent: { readonly number: number; heard(): void } | undefined;
  #lost = false;

  constructor(context: CanaryContext) {
    this.#context = context;
  }

  /** A sentence while the homeserver does not push; undefined = all is well. */
  get trouble(): string | undefined {
    return this.#lost
      ? "The homeserver takes what the bridge sends, but does not push events to it: see its log, and its registration of the bridge."
      : undefined;
  }

  /** Runs until aborted. */
  async run(): Promise<void> {
    const { clock, signal, log } = this.#context;
    for (let number = clock.now(); !signal.aborted; number += 1) {
      await this.#fly(number).catch((error: unknown) => log.debug({ err: error }, "The canary could not be sent"));
      await clock.sleep(EVERY, signal);
    }
  }

  observe(event: MatrixEvent): void {
    if (event.type === TYPE && event.content["number"] === this.#sent?.number) this.#sent?.heard();
  }

  async #fly(number: number): Promise<void> {
    const { clock, signal, heard } = this.#context;
    const room = await this.#room();
    const at = clock.now();
    const { promise: came, resolve } = Promise.withResolvers<void>();
    this.#sent = { number, heard: resolve };
    await this.#set(room, number);
    const waiting = new AbortController();
    const late = clock.sleep(PATIENCE, AbortSignal.any([signal, waiting.signal])).then(() => true);
    const well = !(await Promise.race([came.then(() => false), late]));
    waiting.abort();
    late.catch(() => undefined);
    heard(well ? clock.now() - at : undefined);
    await this.#tell(well);
  }

  async #set(room: RoomId, number: number): Promise<void> {
    try {
      await this.#context.client.setState(room, TYPE, "", { number });
    } catch (error) {
      // Thrown out of its room, the canary gets another one.
      if (error instanceof MatrixError && error.status === 403) await this.#context.settings.set(ROOM, undefined);
      throw error;
    }
  }

  async #tell(well: boolean): Promise<void> {
    const { log, ping, lost } = this.#context;
    const before = this.#lost;
    this.#lost = !well;
    if (well && before) log.info("The homeserver pushes events again");
    if (well) return;
    if (!before) {
      log.error("The homeserver does not push events to the bridge");
      await lost(this.trouble ?? "").catch((error: unknown) => log.warn({ err: error }, "The admin room could not be told"));
    }
    await ping().catch(() => undefined);
  }

  /** Made once: the note first, and what was made and not remembered is found by its creation content. */
  async #room(): Promise<RoomId> {
    const { client, settings } = this.#context;
    const known = await settings.get(ROOM);
    if (typeof known === "string") return roomId(known);
    const begun = await settings.get(BEGUN);
    const found = typeof begun === "string" ? await findByCreation(client, BEGUN, begun) : undefined;
    const key = typeof begun === "string" ? begun : randomUUID();
    await settings.set(BEGUN, key);
    const body = { name: "Causeway: is the homeserver listening?", preset: "private_chat", creation_content: { [BEGUN]: key } };
    const made = found ?? (await client.createRoom(body));
    await settings.set(ROOM, made);
    await settings.set(BEGUN, undefined);
    return made;
  }
}
