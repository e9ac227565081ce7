/**
 * People who do not want to be relayed, on any side. By the config's choice nothing of theirs crosses (`silent`), or what they say does,
 * under a name that tells nobody who they are (`hashed`). What they have said before stays; what they take back is taken back everywhere.
 */
import { createHmac } from "node:crypto";
import type { RemoteEvent } from "./model/events.ts";
import type { Mxid, NetworkId, RemoteUserId } from "./model/ids.ts";
import type { RichText } from "./model/richtext.ts";
import type { UserStore } from "./store/store.ts";

export interface OptOutContext {
  readonly users: UserStore;
  /** Without it nobody can tell from a name whose it is. */
  readonly secret: Buffer;
  readonly mode: "silent" | "hashed";
}

export class OptOuts {
  readonly #context: OptOutContext;

  constructor(context: OptOutContext) {
    this.#context = context;
  }

  /** A Matrix person, or one of a network as `personKey` names them. */
  async isOut(who: string): Promise<boolean> {
    return await this.#context.users.isOptedOut(who);
  }

  /** Returns what to tell them. */
  async set(who: string, out: boolean): Promise<string> {
    await this.#context.users.setOptedOut(who, out);
    if (!out) return "What you write is relayed again, under your name.";
    if (this.#context.mode === "silent") return "From now on nothing that you write is relayed.";
    return `From now on what you write is relayed under the name ${await this.hiddenName(who)}, and nothing else of yours.`;
  }

  /** Nothing of theirs crosses. */
  async isSilent(who: string): Promise<boolean> {
    return this.#context.mode === "silent" && (await this.isOut(who));
  }

  /** What is shown in place of their name; undefined = their name. */
  async hiddenName(who: string): Promise<string | undefined> {
    if (!(await this.isOut(who))) return undefined;
    const digest = createHmac("sha256", this.#context.secret).update(`opt-out\n${who}`).digest("hex");
    return `someone-${digest.slice(0, 6)}`;
  }

  /** What needs a ghost of theirs, or is theirs alone, is left out in either mode; messages are looked at where they are shown. */
  async leavesOut(network: NetworkId, event: RemoteEvent): Promise<boolean> {
    switch (event.kind) {
      case "react":
      case "vote":
      case "typing":
      case "read":
        return await this.isOut(personKey(network, event.sender));
      case "edit":
        return await this.isSilent(personKey(network, event.sender));
      case "membership":
        return event.change === "join" && (await this.isOut(personKey(network, event.person)));
      default:
        return false;
    }
  }
}

export function personKey(network: NetworkId, person: RemoteUserId): string {
  return `${network}:${person}`;
}

/** An address for a name that is nobody's. */
export function hiddenMxid(name: string): Mxid {
  return `@${name}:opted.out.invalid` as Mxid;
}

/** Said by the bot for someone who is not to be known. */
export function saidBy(name: string, body: RichText): RichText {
  const label = [
    { type: "bold", content: [{ type: "text", text: name }] },
    { type: "text", text: ": " },
  ] as const;
  const [first, ...rest] = body;
  if (first?.type !== "paragraph") return [{ type: "paragraph", content: label }, ...body];
  return [{ ...first, content: [...label, ...first.content] }, ...rest];
}
