/** Channels that the server has renamed (https://ircv3.net/specs/extensions/channel-rename), by the ids under which core goes on knowing them. */
import type { Logger } from "pino";
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Keep } from "../../core/network.ts";

export class ChannelNames {
  readonly #keep: Keep;
  readonly #log: Logger;
  #names: Readonly<Record<string, string>> = {};

  constructor(keep: Keep, log: Logger) {
    this.#keep = keep;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#names = ((await this.#keep.get("renamed")) as Record<string, string> | undefined) ?? {};
  }

  /** Undefined = it goes by the name that its id tells. */
  of(id: RemoteChannelId): string | undefined {
    return this.#names[id];
  }

  renamed(id: RemoteChannelId, name: string): void {
    this.#put({ ...this.#names, [id]: name });
  }

  forget(id: RemoteChannelId): void {
    if (!(id in this.#names)) return;
    const { [id]: _gone, ...others } = this.#names;
    this.#put(others);
  }

  #put(names: Readonly<Record<string, string>>): void {
    this.#names = names;
    this.#keep.set("renamed", names).catch((error: unknown) => this.#log.warn({ err: error }, "A channel's new name was not kept"));
  }
}
