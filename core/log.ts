import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger };

export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `text`: one line for people. */
  readonly format: "json" | "text";
  /** Where lines go: standard output unless a test says otherwise. */
  readonly to?: DestinationStream;
}

export interface Log {
  readonly log: Logger;
  /** From now on no line holds this text, wherever it comes from: an error's words, an address with a token in it. */
  hide(secret: string): void;
}

/** Keys whose value is a secret wherever it stands. */
const SECRET_KEYS = [
  "password",
  "token",
  "accessToken",
  "access_token",
  "as_token",
  "hs_token",
  "secret",
  "secrets",
  "authorization",
  "cookie",
];

/** Keys under which people's words stand: shown at `trace` only. */
const WORD_KEYS = new Set(["body", "formatted_body", "text", "content", "payload", "wire", "excerpt", "topic"]);

/** Shorter ones would blot out ordinary words. */
const SHORTEST_SECRET = 6;

/**
 * One line for each happening; `trace` is a message's own id, the same from its arrival to its delivery. What people said stands in
 * lines of level `trace` only, whatever a caller hands over.
 */
export function createLog({ level, format, to = destination(1) }: LogOptions): Log {
  const secrets = new Set<string>();
  const write = (line: string) => to.write(format === "text" ? toTextLine(line) : line);
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      serializers: { err: toPlainError },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: "[hidden]" },
      hooks: {
        logMethod(inputs, method, number) {
          if (number > pino.levels.values["trace"]! && isPlain(inputs[0])) inputs[0] = withoutWords(inputs[0]);
          method.apply(this, inputs);
        },
      },
    },
    { write: (line) => write(scrub(line, secrets)) },
  );
  return {
    log,
    hide(secret) {
      if (secret.length >= SHORTEST_SECRET) secrets.add(JSON.stringify(secret).slice(1, -1)).add(encodeURIComponent(secret));
    },
  };
}

/** What an error says of itself; a library's errors carry whole requests besides. */
function toPlainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const code = "code" in error ? { code: error.code } : {};
  return { type: name, message, stack, ...code, ...(cause !== undefined && { cause: toPlainError(cause) }) };
}

function scrub(line: string, secrets: ReadonlySet<string>): string {
  let out = line;
  for (const secret of secrets) if (out.includes(secret)) out = out.replaceAll(secret, "[hidden]");
  return out;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !(value instanceof Error);
}

function withoutWords(fields: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(fields).map(([key, value]) => {
    if (WORD_KEYS.has(key)) return [key, "[shown at trace]"];
    return [key, isPlain(value) && Object.getPrototypeOf(value) === Object.prototype ? withoutWords(value) : value];
  });
  return Object.fromEntries(kept);
}

interface Line {
  readonly time?: string;
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: string; readonly message?: string };
}

/** `12:00:00 INFO  Connected network=irc login=libera` and an error's stack under it. */
export function toTextLine(line: string): string {
  const { time = "", level = "", msg = "", err, ...fields } = JSON.parse(line) as Line;
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? oneWord(value) : JSON.stringify(value)}`,
  );
  const stack = err ? `\n  ${(err.stack ?? err.message ?? "").replaceAll("\n", "\n  ")}` : "";
  return `${time.slice(11, 19)} ${level.toUpperCase().padEnd(5)} ${printable(msg)}${rest.join("")}${stack}\n`;
}

/** Quoted where it would otherwise run into its neighbours, or forge a line. */
function oneWord(text: string): string {
  return /^[\w.:/@#!$+*~-]+$/.test(text) ? text : JSON.stringify(text);
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ");
}
