/** Typing and read marks, both ways, and presence towards Matrix: best effort, outside of the journal, because late they are worth nothing. */
import type { Ghosts } from "./ghost.ts";
import type { Links } from "./links.ts";
import type { Logins } from "./logins.ts";
import { Lru } from "./lru.ts";
import type { MatrixClient } from "./matrix/client.ts";
import { type MatrixEphemeral, readReceipts, readTyping } from "./matrix/event.ts";
import type { Members } from "./members.ts";
import type { RemoteEvent } from "./model/events.ts";
import type { Mxid, RoomId } from "./model/ids.ts";
import type { Speaker } from "./model/message.ts";
import type { OptOuts } from "./opt-out.ts";
import type { Presences } from "./presence.ts";
import type { Link, Store } from "./store/store.ts";

export interface HintContext {
  readonly client: MatrixClient;
  readonly ghosts: Ghosts;
  readonly members: Members;
  readonly links: Links;
  readonly logins: Logins;
  readonly store: Store;
  readonly optOuts: OptOuts;
  readonly presences: Presences;
  readonly bot: Mxid;
}

export class Hints {
  readonly #context: HintContext;
  /** Who is typing in a room, as last told: only the change goes out. */
  readonly #typing = new Lru<RoomId, ReadonlySet<Mxid>>(1_000);

  constructor(context: HintContext) {
    this.#context = context;
  }

  /** A ghost that is not in the room yet does not join for it. */
  async fromNetwork(link: Link, event: RemoteEvent): Promise<void> {
    const { client, ghosts, store } = this.#context;
    if (event.kind === "presence") return await this.#context.presences.told(link.network, event);
    if (event.kind !== "typing" && event.kind !== "read") return;
    if (await this.#context.optOuts.leavesOut(link.network, event)) return;
    const ghost = ghosts.mxidOf(link.network, event.sender);
    const member = await store.users.member(link.room, ghost);
    if (member?.membership !== "join") return;
    if (event.kind === "typing") return await client.typing(link.room, ghost, event.for > 0, event.for);
    const [record] = await store.messages.byRemote(link.id, event.message);
    if (record) await client.receipt(link.room, record.event, ghost);
  }

  async fromMatrix(ephemeral: MatrixEphemeral): Promise<void> {
    const room = ephemeral.room_id;
    if (!room) return;
    if (ephemeral.type === "m.typing") await this.#typingIn(room, readTyping(ephemeral));
    if (ephemeral.type !== "m.receipt") return;
    for (const receipt of readReceipts(ephemeral)) {
      if (this.#isOurs(receipt.user) || (await this.#context.optOuts.isOut(receipt.user))) continue;
      for (const link of await this.#context.links.inRoom(room)) {
        // Reading is a thing of one's own account: the shared login marks nothing as read.
        const live = this.#context.logins.ownOf(receipt.user, link);
        const [record] = live ? await this.#context.store.messages.byEvent(receipt.event, link.id) : [];
        if (!live || !record?.remote) continue;
        const speaker = await this.#speaker(room, receipt.user, true);
        await live.connection.hint({ kind: "read", channel: link.channel, message: record.remote, speaker });
      }
    }
  }

  async #typingIn(room: RoomId, now: readonly Mxid[]): Promise<void> {
    const before = this.#typing.get(room) ?? new Set();
    const people = new Set(now.filter((who) => !this.#isOurs(who)));
    this.#typing.set(room, people);
    const began = [...people].filter((who) => !before.has(who)).map((who) => ({ who, on: true }));
    const ended = [...before].filter((who) => !people.has(who)).map((who) => ({ who, on: false }));
    for (const { who, on } of [...began, ...ended]) {
      if (await this.#context.optOuts.isOut(who)) continue;
      for (const link of await this.#context.links.inRoom(room)) {
        const own = this.#context.logins.ownOf(who, link);
        const live = own ?? this.#context.logins.get(link.network, link.login);
        if (live?.state.is !== "connected") continue;
        const speaker = await this.#speaker(room, who, own !== undefined);
        await live.connection.hint({ kind: "typing", channel: link.channel, speaker, on });
      }
    }
  }

  async #speaker(room: RoomId, who: Mxid, own: boolean): Promise<Speaker> {
    return { mxid: who, name: await this.#context.members.name(room, who), own };
  }

  #isOurs(who: Mxid): boolean {
    return who === this.#context.bot || this.#context.ghosts.remoteOf(who) !== undefined;
  }
}
