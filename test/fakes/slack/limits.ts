/** Tiers: so many calls a minute for each method, app and workspace; one message a second in a channel, with short bursts. */
import type { Clock } from "../../../core/network.ts";

/** https://docs.slack.dev/apis/web-api/rate-limits: the tier that each method's page names. */
const TIER: Readonly<Record<string, number>> = {
  "apps.connections.open": 5,
  "auth.test": 600,
  "chat.postEphemeral": 100,
  "chat.postMessage": 10_000,
  "conversations.list": 20,
  "conversations.members": 100,
  "conversations.rename": 20,
  "conversations.setTopic": 20,
  "emoji.list": 20,
  "files.completeUploadExternal": 100,
  "files.getUploadURLExternal": 100,
  "files.info": 100,
  "oauth.v2.access": 600,
  "pins.add": 20,
  "pins.list": 20,
  "pins.remove": 20,
  "usergroups.list": 20,
  "users.info": 100,
  "users.list": 20,
};
const USUAL = 50;
const POST_BURST = 5;

export class Limits {
  readonly #clock: Clock;
  readonly #calls = new Map<string, number[]>();
  readonly #posts = new Map<string, { readonly left: number; readonly at: number }>();
  /** Off: nobody is limited. */
  enforced = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds to wait, or undefined. A call that may go is counted. */
  check(method: string, who: string, channel: string | undefined, restricted: boolean): number | undefined {
    if (!this.enforced) return undefined;
    const reading = method === "conversations.history" || method === "conversations.replies";
    const perMinute = restricted && reading ? 1 : (TIER[method] ?? USUAL);
    const minute = this.#over(`${who} ${method}`, perMinute, 60_000);
    if (minute !== undefined) return minute;
    return method === "chat.postMessage" && channel !== undefined ? this.#posting(`${who} ${channel}`) : undefined;
  }

  /** One a second, and a few at once after a pause. */
  #posting(key: string): number | undefined {
    const now = this.#clock.now();
    const { left, at } = this.#posts.get(key) ?? { left: POST_BURST, at: now };
    const room = Math.min(POST_BURST, left + (now - at) / 1000);
    this.#posts.set(key, { left: room < 1 ? room : room - 1, at: now });
    return room < 1 ? 1 : undefined;
  }

  #over(key: string, most: number, span: number): number | undefined {
    const now = this.#clock.now();
    const recent = (this.#calls.get(key) ?? []).filter((at) => at > now - span);
    this.#calls.set(key, recent);
    if (recent.length >= most) return Math.max(1, Math.ceil(((recent[0] as number) + span - now) / 1000));
    recent.push(now);
    return undefined;
  }
}
