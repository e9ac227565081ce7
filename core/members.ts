/** What Matrix people are called in a room, as the homeserver says, remembered for those heard lately. */
import { Lru } from "./lru.ts";
import type { MatrixClient } from "./matrix/client.ts";
import type { MatrixEvent } from "./matrix/event.ts";
import { type MxcUri, type Mxid, mxcUri, mxid, type RoomId, roomId } from "./model/ids.ts";

export interface Member {
  /** Safe to show: no control characters, no direction overrides, never empty. */
  readonly name: string;
  readonly avatar: MxcUri | undefined;
}

const REMEMBERED = 10_000;
/** Of a room: people whom somebody on a network may call by name. */
const HEARD = 50;
const LONGEST_NAME = 100;

export class Members {
  readonly #client: MatrixClient;
  readonly #known = new Lru<string, Member>(REMEMBERED);
  readonly #heard = new Lru<RoomId, readonly { mxid: Mxid; name: string }[]>(1_000);

  constructor(client: MatrixClient) {
    this.#client = client;
  }

  async member(room: RoomId, who: Mxid): Promise<Member> {
    const key = `${room} ${who}`;
    const known = this.#known.get(key);
    if (known) return known;
    // Someone who has left, or a homeserver that does not say: the name out of the MXID serves.
    const content = await this.#client.stateEvent(room, "m.room.member", who).catch(() => undefined);
    const member = memberOf(who, content);
    if (content) this.#known.set(key, member);
    return member;
  }

  async name(room: RoomId, who: Mxid): Promise<string> {
    return (await this.member(room, who)).name;
  }

  /** Somebody's words went out to a network. */
  spoke(room: RoomId, who: Mxid, name: string): void {
    const before = this.#heard.get(room) ?? [];
    if (before[0]?.mxid === who && before[0].name === name) return;
    this.#heard.set(room, [{ mxid: who, name }, ...before.filter((one) => one.mxid !== who)].slice(0, HEARD));
  }

  /** Who was heard from a room lately, the latest first. */
  heard(room: RoomId): readonly { readonly mxid: Mxid; readonly name: string }[] {
    return this.#heard.get(room) ?? [];
  }

  observe(event: MatrixEvent): void {
    if (event.type !== "m.room.member" || event.state_key === undefined) return;
    const who = mxid(event.state_key);
    const key = `${roomId(event.room_id)} ${who}`;
    if (event.content["membership"] === "join") this.#known.set(key, memberOf(who, event.content));
  }
}

function memberOf(who: Mxid, content: Readonly<Record<string, unknown>> | undefined): Member {
  const { displayname, avatar_url } = content ?? {};
  const local = who.slice(1, who.indexOf(":"));
  const name = typeof displayname === "string" ? safeName(displayname) : "";
  const avatar = typeof avatar_url === "string" && avatar_url.startsWith("mxc://") ? mxcUri(avatar_url) : undefined;
  return { name: name || local, avatar };
}

/** Control characters, direction overrides and invisible ones would let a name pass for another's, or break a line. */
export function safeName(name: string): string {
  const visible = name.replaceAll(/[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, "");
  return [...visible.replaceAll(/\s+/gu, " ").trim()].slice(0, LONGEST_NAME).join("");
}
