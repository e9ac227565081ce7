/** A request as the fake reads it, and multipart bodies. https://discord.com/developers/docs/reference#uploading-files */
import type { IncomingMessage } from "node:http";
import { ApiError, invalid, notSnowflake } from "./errors.ts";
import type { Bot } from "./world.ts";

export interface Upload {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Undefined where no token came. */
  readonly bot: Bot | undefined;
  readonly body: Record<string, unknown>;
  readonly files: ReadonlyMap<number, Upload>;
  readonly reason: string | undefined;
}

const LARGEST = 25 * 1024 * 1024;

export async function readBody(request: IncomingMessage): Promise<{ body: Record<string, unknown>; files: Map<number, Upload> }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST) throw new ApiError(413, 40005, "Request entity too large");
    chunks.push(chunk as Buffer);
  }
  const whole = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (whole.length === 0) return { body: {}, files: new Map() };
  if (type.startsWith("multipart/form-data")) return readMultipart(whole, type);
  if (!type.startsWith("application/json"))
    throw new ApiError(400, 50035, "Invalid Form Body", {
      _errors: [{ code: "CONTENT_TYPE_INVALID", message: `Expected "Content-Type" header to be one of {'application/json'}.` }],
    });
  return { body: readJson(whole.toString()), files: new Map() };
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? { list: value } : value) as Record<string, unknown>;
  } catch {
    throw new ApiError(400, 50109, "The request body contains invalid JSON.");
  }
}

function readMultipart(whole: Buffer, type: string): { body: Record<string, unknown>; files: Map<number, Upload> } {
  const boundary = /boundary=(?:"([^"]+)"|([^;]+))/.exec(type)?.slice(1).find(Boolean);
  if (!boundary) throw new ApiError(400, 50035, "Invalid Form Body");
  let body: Record<string, unknown> = {};
  const files = new Map<number, Upload>();
  const mark = Buffer.from(`--${boundary}`);
  let at = whole.indexOf(mark);
  for (;;) {
    const start = at + mark.length + 2;
    const end = whole.indexOf(mark, start);
    if (end < 0) break;
    const part = whole.subarray(start, end - 2);
    const split = part.indexOf("\r\n\r\n");
    const head = part.subarray(0, split).toString();
    const bytes = part.subarray(split + 4);
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? "";
    if (name === "payload_json") body = readJson(bytes.toString());
    const index = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (index !== undefined) {
      const filename = decodeURIComponent((/filename="([^"]*)"/.exec(head)?.[1] ?? "file").replaceAll(/%(?![0-9A-F]{2})/g, "%25"));
      files.set(Number(index), { name: filename, type: /content-type: *([^\r\n]+)/i.exec(head)?.[1] ?? "application/octet-stream", bytes });
    }
    at = end;
  }
  return { body, files };
}

export function snowflakeIn(path: string, value: unknown): string {
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value) || BigInt(value) > 0xffffffffffffffffn) throw notSnowflake(path, value);
  return value;
}

export function numberIn(query: URLSearchParams, name: string, least: number, most: number, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw invalid(name, "NUMBER_TYPE_MIN", `Value should be greater than or equal to ${least}.`);
  if (value > most) throw invalid(name, "NUMBER_TYPE_MAX", `Value should be less than or equal to ${most}.`);
  return value;
}
