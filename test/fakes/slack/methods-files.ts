/** Files: an address for the bytes, the bytes, and the message that shows them. https://docs.slack.dev/messaging/working-with-files */
import { randomUUID } from "node:crypto";
import { fileShape } from "./shapes.ts";
import { argument, type Call, type Json, jsonArgument, publish, remove, shapeNow, tellChange, type World } from "./world.ts";
import { type Channel, type Grant, SlackError, type Stored, type StoredFile, type Team } from "./state.ts";

type Answer = Json;

interface Pending {
  readonly grant: Grant;
  readonly id: string;
  readonly name: string;
  readonly length: number;
  readonly alt?: string;
  bytes?: Buffer;
}

export class Uploads {
  readonly #byKey = new Map<string, Pending>();
  readonly #byId = new Map<string, Pending>();

  begin({ world, grant, args }: Call): Answer {
    const name = argument(args, "filename");
    const length = Number(argument(args, "length"));
    if (name === undefined || !Number.isSafeInteger(length) || length <= 0) throw new SlackError("invalid_arguments");
    const alt = argument(args, "alt_txt");
    const pending: Pending = { grant, id: world.state.newId("F"), name, length, ...(alt === undefined ? {} : { alt }) };
    const key = randomUUID();
    this.#byKey.set(key, pending);
    this.#byId.set(pending.id, pending);
    return { upload_url: `${world.host}/upload/v1/${key}`, file_id: pending.id };
  }

  /** The status to answer with. */
  put(key: string, bytes: Buffer): number {
    const pending = this.#byKey.get(key);
    if (!pending) return 404;
    if (bytes.length !== pending.length) return 400;
    pending.bytes = bytes;
    this.#byKey.delete(key);
    return 200;
  }

  complete(call: Call): Answer {
    const { world, grant, args } = call;
    const wanted = jsonArgument(args, "files");
    if (!Array.isArray(wanted) || wanted.length === 0) throw new SlackError("invalid_arguments");
    const files = wanted.map(({ id, title }: { id: string; title?: string }) => this.#finish(call, id, title));
    const id = argument(args, "channel_id");
    if (id === undefined) return { files: files.map((file) => ({ id: file.id, title: file.title })) };
    const channel = world.state.channel(grant.team, id);
    if (!channel.members.has(grant.user.id)) throw new SlackError("not_in_channel");
    if (channel.archived) throw new SlackError("is_archived");
    for (const file of files) {
      grant.team.files.set(file.id, file);
      this.#byId.delete(file.id);
    }
    share(world, grant.team, channel, files, {
      user: grant.user.id,
      text: argument(args, "initial_comment") ?? "",
      thread: argument(args, "thread_ts"),
    });
    // Where they were shared is told later: by `files.info`, and by the event.
    return { files: files.map((file) => ({ id: file.id, title: file.title })) };
  }

  #finish({ grant }: Call, id: string, title: string | undefined): StoredFile {
    const pending = this.#byId.get(id);
    if (!pending || pending.grant.token !== grant.token) throw new SlackError("file_not_found");
    if (!pending.bytes) throw new SlackError("file_update_failed");
    return {
      id,
      name: pending.name,
      title: title ?? pending.name,
      mimetype: mimetypeOf(pending.name),
      size: pending.bytes.length,
      user: grant.user.id,
      bytes: pending.bytes,
      shares: [],
      mode: "hosted",
      ...(pending.alt === undefined ? {} : { alt: pending.alt }),
    };
  }
}

function mimetypeOf(name: string): string {
  const types: Readonly<Record<string, string>> = {
    png: "image/png",
    jpg: "image/jpeg",
    gif: "image/gif",
    txt: "text/plain",
    mp4: "video/mp4",
    html: "text/html",
  };
  return types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
}

interface Sharing {
  readonly user: string;
  readonly text: string;
  readonly thread: string | undefined;
  readonly more?: Json;
}

export function share(
  world: World,
  team: Team,
  channel: Channel,
  files: readonly StoredFile[],
  { user, text, thread, more }: Sharing,
): Stored {
  const ts = world.state.newTs();
  for (const file of files) {
    team.files.set(file.id, file);
    file.shares.push({ channel: channel.id, ts, private: channel.private, seenFrom: Date.now() + world.sharesLag });
  }
  const message: Stored = {
    ts,
    channel: channel.id,
    subtype: "file_share",
    user,
    text,
    files: [...files],
    ...(thread === undefined ? {} : { thread_ts: thread }),
    reactions: [],
    pinned: false,
    ...(more ? { more } : {}),
  };
  return publish(world, team, channel, message);
}

export function filesInfo({ world, grant, args }: Call): Answer {
  const file = grant.team.files.get(argument(args, "file") ?? "");
  if (!file) throw new SlackError("file_not_found");
  if (file.mode === "tombstone") throw new SlackError("file_deleted");
  return { file: fileShape(file, grant.team, world.host, Date.now()), comments: [], response_metadata: { next_cursor: "" } };
}

/** What is left of a message whose file went: its words; without words it goes too. */
export function filesDelete({ world, grant, args }: Call): Answer {
  const file = grant.team.files.get(argument(args, "file") ?? "");
  if (!file) throw new SlackError("file_not_found");
  if (file.user !== grant.user.id && !grant.user.admin) throw new SlackError("cant_delete_file");
  eraseFile(world, grant.team, file);
  return {};
}

export function eraseFile(world: World, team: Team, file: StoredFile): void {
  for (const { channel: id, ts } of file.shares) {
    const channel = team.channels.get(id);
    const message = channel && world.state.message(channel, ts);
    if (!channel || !message) continue;
    const before = shapeNow(world, team, message);
    file.mode = "tombstone";
    if (message.text === "" && message.files?.every(({ mode }) => mode === "tombstone")) remove(world, team, channel, message);
    else tellChange(world, team, channel, message, before);
  }
  file.mode = "tombstone";
}
