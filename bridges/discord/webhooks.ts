/**
 * The bridge's webhook in each channel. Made once, found again by its application, remade when somebody deletes it. Its token is a secret:
 * it lies sealed in `keep` and never stands in an error or a log.
 *
 * https://discord.com/developers/docs/resources/webhook
 */
import { type APIWebhook, Routes, WebhookType } from "discord-api-types/v10";
import type { Keep } from "../../core/network.ts";
import { isSnowflake } from "./ids.ts";
import type { Rest } from "./rest.ts";

export interface Webhook {
  readonly id: string;
  readonly token: string;
}

export class Webhooks {
  readonly #rest: Rest;
  readonly #keep: Keep;
  readonly #name: string;
  readonly #application: () => string;
  readonly #known = new Map<string, Promise<Webhook>>();
  /** Of all that are known, whatever became of them: what they have said is ours. */
  readonly ids = new Set<string>();

  constructor(rest: Rest, keep: Keep, name: string, application: () => string) {
    this.#rest = rest;
    this.#keep = keep;
    this.#name = name;
    this.#application = application;
  }

  /** Throws `Denied` where the bot may not make one. */
  of(channel: string): Promise<Webhook> {
    const known = this.#known.get(channel);
    if (known) return known;
    const finding = this.#find(channel);
    this.#known.set(channel, finding);
    finding.catch(() => this.#known.delete(channel));
    return finding;
  }

  /** It is gone: the next message makes another. */
  async forget(channel: string): Promise<void> {
    this.#known.delete(channel);
    await this.#keep.set(keyOf(channel), undefined);
  }

  /** A channel is heard from now on: what its webhook says, should it have one, is known for ours. */
  async recall(channel: string): Promise<void> {
    const kept = readKept(await this.#keep.get(keyOf(channel)));
    if (kept) this.ids.add(kept.id);
  }

  async #find(channel: string): Promise<Webhook> {
    const webhook = await this.#found(channel);
    this.ids.add(webhook.id);
    return webhook;
  }

  async #found(channel: string): Promise<Webhook> {
    const kept = readKept(await this.#keep.get(keyOf(channel)));
    if (kept) return kept;
    const webhook = (await this.#standing(channel)) ?? (await this.#make(channel));
    await this.#keep.set(keyOf(channel), webhook);
    return webhook;
  }

  /** One that we made earlier and could not write down. */
  async #standing(channel: string): Promise<Webhook | undefined> {
    const all = await this.#rest.get<APIWebhook[]>(Routes.channelWebhooks(channel));
    const ours = all.find((one) => one.type === WebhookType.Incoming && one.application_id === this.#application() && one.token);
    return ours?.token === undefined ? undefined : { id: ours.id, token: ours.token };
  }

  async #make(channel: string): Promise<Webhook> {
    const made = await this.#rest.post<APIWebhook>(Routes.channelWebhooks(channel), {
      body: { name: this.#name },
      reason: "People from elsewhere speak through it",
    });
    return { id: made.id, token: made.token ?? "" };
  }
}

function keyOf(channel: string): string {
  return `webhook:${channel}`;
}

function readKept(kept: unknown): Webhook | undefined {
  const { id, token } = (kept ?? {}) as Partial<Webhook>;
  return isSnowflake(id) && typeof token === "string" && token !== "" ? { id, token } : undefined;
}
