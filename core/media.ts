/** Files, pictures and emoji between the shores. Everything is streamed; each emoji is carried over once. */
import type { MediaLinks } from "./http/media.ts";
import { failureOf, type MatrixClient, MatrixError } from "./matrix/client.ts";
import { Refused } from "./model/errors.ts";
import { type EventId, type MxcUri, mxcUri, type NetworkId } from "./model/ids.ts";
import type { ReactionKey, RemoteFile } from "./model/message.ts";
import type { Connection } from "./network.ts";
import type { Media, RemoteEmoji } from "./portal/portal.ts";
import type { SettingStore } from "./store/store.ts";

export class MediaBetween implements Media {
  readonly #client: MatrixClient;
  readonly #settings: SettingStore;
  /** Absent without a public address. */
  readonly #links: MediaLinks | undefined;

  constructor(client: MatrixClient, settings: SettingStore, links: MediaLinks | undefined) {
    this.#client = client;
    this.#settings = settings;
    this.#links = links;
  }

  async toMatrix(connection: Connection, file: RemoteFile, most: number): Promise<MxcUri> {
    const { stream, size, mimetype } = await connection.open(file.ref);
    const type = file.mimetype ?? mimetype ?? "application/octet-stream";
    try {
      return await this.#client.upload(stream, { name: file.name, mimetype: type, most, ...(size === undefined ? {} : { size }) });
    } catch (error) {
      throw failureOf(error);
    }
  }

  async emoji(connection: Connection, network: NetworkId, { id, name, url }: RemoteEmoji): Promise<MxcUri | undefined> {
    const known = await this.#settings.get(`emoji:${network}:${id}`);
    if (typeof known === "string") return mxcUri(known);
    try {
      const { stream, size, mimetype = "image/png" } = await connection.open({ url });
      const mxc = await this.#client.upload(stream, { name, mimetype, ...(size === undefined ? {} : { size }) });
      await this.#settings.set(`emoji:${network}:${id}`, mxc);
      await this.#settings.set(`emoji-of:${network}:${mxc}`, { kind: "custom", name, id, url, mxc } satisfies ReactionKey);
      return mxc;
    } catch (error) {
      // Its name serves where its picture cannot be had; an outage of the homeserver is another matter.
      const failure = failureOf(error);
      if (failure instanceof Refused) return undefined;
      throw failure;
    }
  }

  async knownEmoji(network: NetworkId, mxc: string): Promise<ReactionKey | undefined> {
    return (await this.#settings.get(`emoji-of:${network}:${mxc}`)) as ReactionKey | undefined;
  }

  link(mxc: MxcUri, name: string, event: EventId): string | undefined {
    return this.#links?.file({ mxc, name, event });
  }

  async open(mxc: MxcUri): ReturnType<MatrixClient["download"]> {
    try {
      return await this.#client.download(mxc);
    } catch (error) {
      if (error instanceof MatrixError && error.status === 404) throw new Refused("The file is not on the homeserver any more.");
      throw failureOf(error);
    }
  }

  avatar(mxc: MxcUri | undefined): string | undefined {
    return mxc && this.#links?.avatar(mxc);
  }
}
