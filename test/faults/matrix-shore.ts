/** The room itself: people with Matrix clients, and the pretended homeserver's own view of the timeline. */
import { randomUUID } from "node:crypto";
import type { FakeHomeserver } from "../fakes/homeserver.ts";
import type { Json } from "../matrix-client.ts";
import type { MatrixRoom, RoomEvent } from "../matrix-room.ts";
import type { Shore, Side, Standing, Trouble, Words } from "./shore.ts";

/** Held while the homeserver is going down and coming up: a client whose answer is lost there would say the same thing again. */
export class Gate {
  #inside = 0;
  #closed: PromiseWithResolvers<void> | undefined;
  #empty: PromiseWithResolvers<void> | undefined;

  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#closed) await this.#closed.promise;
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) this.#empty?.resolve();
    }
  }

  /** Resolves when nobody is inside. */
  async close(): Promise<void> {
    this.#closed ??= Promise.withResolvers();
    if (this.#inside === 0) return;
    this.#empty = Promise.withResolvers();
    await this.#empty.promise;
  }

  open(): void {
    this.#closed?.resolve();
    this.#closed = undefined;
  }
}

export interface MatrixShoreOptions {
  readonly hs: FakeHomeserver;
  readonly gate: Gate;
  /** The room as each person sees it. */
  readonly rooms: ReadonlyMap<string, MatrixRoom>;
  readonly bot: string;
}

export function matrixShore({ hs, gate, rooms, bot }: MatrixShoreOptions): Shore {
  const reactionIds = new Map<string, string>();
  const roomOf = (person: string): MatrixRoom => rooms.get(person) as MatrixRoom;
  const [first] = rooms.values();
  const names = new Map([...rooms].map(([name, room]) => [room.user.id, name]));
  return {
    side: "matrix",
    people: [...rooms.keys()],
    say: (person, words) => gate.pass(() => say(roomOf(person), words)),
    edit: (person, id, text) => gate.pass(async () => void (await roomOf(person).edit(id, text))),
    remove: (person, id) => gate.pass(async () => void (await roomOf(person).redact(id))),
    react: (person, id, emoji, on) =>
      gate.pass(async () => {
        const key = `${person} ${id} ${emoji}`;
        if (on) reactionIds.set(key, await roomOf(person).react(id, emoji));
        else await roomOf(person).redact(reactionIds.get(key) as string);
      }),
    standing: () => timelineOf(hs, (first as MatrixRoom).id, names, bot),
  };
}

async function say(room: MatrixRoom, { text, replyTo, thread, file }: Words): Promise<string> {
  if (file) return await room.sendFile(file.bytes, { name: file.name, type: "text/plain" });
  const txn = randomUUID();
  const relation: Json =
    thread !== undefined
      ? { rel_type: "m.thread", event_id: thread, is_falling_back: true, "m.in_reply_to": { event_id: thread } }
      : { "m.in_reply_to": { event_id: replyTo } };
  const content = { msgtype: "m.text", body: text, ...((thread ?? replyTo) !== undefined ? { "m.relates_to": relation } : {}) };
  return await room.send("m.room.message", content, txn);
}

function timelineOf(hs: FakeHomeserver, room: string, names: ReadonlyMap<string, string>, bot: string): Standing[] {
  const events = hs.timeline(room) as unknown as RoomEvent[];
  const gone = new Set(
    events.flatMap((event) => (event.type === "m.room.redaction" ? [String(event.redacts ?? event.content["redacts"])] : [])),
  );
  const edits = new Map<string, RoomEvent>();
  const reactions = new Map<string, Map<string, number>>();
  for (const event of events) {
    const relation = event.content["m.relates_to"] as Json | undefined;
    const target = String(relation?.["event_id"]);
    if (gone.has(event.event_id)) continue;
    if (relation?.["rel_type"] === "m.replace") edits.set(target, event);
    if (event.type === "m.reaction") {
      const counts = reactions.get(target) ?? new Map<string, number>();
      const key = String(relation?.["key"]).replaceAll("\u{fe0f}", "");
      reactions.set(target, counts.set(key, (counts.get(key) ?? 0) + 1));
    }
  }
  return events.flatMap((event) => {
    const relation = event.content["m.relates_to"] as Json | undefined;
    if (event.type !== "m.room.message" || gone.has(event.event_id) || event.sender === bot || relation?.["rel_type"] === "m.replace")
      return [];
    const content = (edits.get(event.event_id)?.content["m.new_content"] ?? event.content) as Json;
    const info = content["info"] as Json | undefined;
    const files =
      content["msgtype"] === "m.text" ? [] : [{ name: String(content["filename"] ?? content["body"]), size: info?.["size"] as number }];
    return [
      {
        id: event.event_id,
        by: names.get(event.sender),
        from: sideOf(event.sender),
        text: String(content["body"]),
        files,
        reactions: reactions.get(event.event_id) ?? new Map<string, number>(),
      },
    ];
  });
}

function sideOf(sender: string): Side | undefined {
  return (["slack", "discord", "irc"] as const).find((side) => sender.startsWith(`@_${side}_`));
}

export function matrixTrouble(hs: FakeHomeserver): Trouble {
  return {
    trap(held) {
      const fault = hs.faults.add({ kind: "hold", match: { method: "PUT", path: "user_id=", service: true } });
      void fault.hit.then(held);
      return () => fault.release();
    },
    down: () => void hs.faults.add({ kind: "connection-lost", match: { service: true }, times: 0 }),
    up: () => {
      for (const each of hs.faults.all) if (each.fault.kind === "connection-lost") each.release();
    },
  };
}
