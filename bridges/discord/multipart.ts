/**
 * A message with a file, streamed: the bytes pass through without being held.
 *
 * https://discord.com/developers/docs/reference#uploading-files
 */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { OutFile } from "../../core/model/message.ts";

export interface Upload {
  readonly body: Readable;
  readonly headers: Readonly<Record<string, string>>;
  /** What went wrong on our own side while the file was read, should anything have. */
  failure(): unknown;
}

/** `name` is what Discord shall call the file. */
export async function uploadOf(payload: unknown, file: OutFile, name: string): Promise<Upload> {
  const opened = await file.open();
  const boundary = `causeway-${randomBytes(12).toString("hex")}`;
  const type = safeType(opened.mimetype ?? file.mimetype);
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="payload_json"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(payload)}\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="files[0]"; filename="${quoted(name)}"\r\nContent-Type: ${type}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  let failure: unknown;
  async function* bytes(): AsyncGenerator<Buffer> {
    yield head;
    try {
      for await (const chunk of opened.stream) yield chunk as Buffer;
    } catch (error) {
      failure = error ?? new Error("The file could not be read.");
      throw error;
    }
    yield tail;
  }
  const headers: Record<string, string> = { "content-type": `multipart/form-data; boundary=${boundary}` };
  if (opened.size !== undefined) headers["content-length"] = String(head.length + opened.size + tail.length);
  return { body: Readable.from(bytes(), { objectMode: false }), headers, failure: () => failure };
}

/** As browsers do it (WHATWG): these three, and nothing else, are written as percent signs. */
function quoted(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

function safeType(type: string | undefined): string {
  return type !== undefined && /^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*$/.test(type) ? type : "application/octet-stream";
}
