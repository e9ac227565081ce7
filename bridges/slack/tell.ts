/** What a workspace's app tells of itself: in its channels, and to the admins. */
import type { RemoteEvent } from "../../core/model/events.ts";
import { plainText } from "../../core/model/richtext.ts";
import type { Core } from "../../core/network.ts";
import type { Api } from "./api.ts";
import { BOT_SCOPES } from "./scopes.ts";

/** The scope for names and pictures of Matrix people. */
const NAMES = "chat:write.customize";
/** After this long a channel that was joined is linked. */
const AFTER_JOINING = 2_000;
const DAY = 86_400_000;

export interface TellContext {
  readonly core: Core;
  readonly api: Api;
  readonly signal: AbortSignal;
}

export class Tell {
  readonly #context: TellContext;

  constructor(context: TellContext) {
    this.#context = context;
  }

  /** What the app may not do is told where it matters: names and pictures are what everybody sees. */
  missing(): void {
    const { api, core } = this.#context;
    if (api.scopes === undefined) return;
    const missing = BOT_SCOPES.map(({ name }) => name).filter((name) => !api.may(name));
    if (missing.length > 0) core.log.warn({ missing }, "The Slack app lacks permissions: see the documentation for what each is for");
    if (missing.includes(NAMES)) this.nameless();
  }

  /** A channel is about to be linked: it hears what the app may not do, too. */
  joined(): void {
    const { api, core, signal } = this.#context;
    if (api.may(NAMES)) return;
    core.clock.timer(AFTER_JOINING, () => {
      if (!signal.aborted) this.nameless();
    });
  }

  /** Once in each channel, for as long as core remembers. */
  nameless(): void {
    const text = `The Slack app lacks the permission "${NAMES}", so what people on Matrix say stands there under the app's name, with theirs before it. Add it under "OAuth & Permissions" in the app's settings and install the app again.`;
    this.#everywhere(`scope:${NAMES}`, text);
  }

  /** Others are connected with the app's token. Once a day. */
  crowded(others: number): void {
    const { core } = this.#context;
    const what = others === 1 ? "Another program is" : `${others} other programs are`;
    const text = `${what} connected with this Slack app's token and gets a part of what is said here: a second Causeway, perhaps. Until that is stopped, messages may be missing.`;
    core.log.error({ others }, text);
    const key = `crowded:${Math.floor(Date.now() / DAY)}`;
    this.#everywhere(key, text);
    core.alarm?.(key, text).catch((error: unknown) => core.log.warn({ err: error }, text));
  }

  #everywhere(subject: string, text: string): void {
    const { core } = this.#context;
    const body = plainText(text);
    const events = core.links().map<RemoteEvent>((channel) => ({ kind: "notice", channel, subject, at: Date.now(), via: "live", body }));
    if (events.length > 0) core.receive(events).catch((error: unknown) => core.log.warn({ err: error }, text));
  }
}
