/** What Slack sends over HTTP: events, presses of buttons, slash commands. https://docs.slack.dev/apis/events-api/using-http-request-urls */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Delivery } from "./delivery.ts";
import { isSlacks } from "./signature.ts";
import { type Json, parsed, string } from "./wire.ts";

/** Slack's largest payloads are well below. */
const LONGEST = 4 * 1024 * 1024;

/** The paths below a login's public address. */
export const PATHS = { events: "events", interactivity: "interactivity", commands: "commands" } as const;

export interface HttpContext {
  readonly signingSecret: string;
  /** Resolves when the delivery is on disk. */
  take(delivery: Delivery): Promise<void>;
}

/** 200 is said when it is on disk, and only then: Slack sends again what was not answered so, three times. */
export async function serve(context: HttpContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) return void response.writeHead(413).end();
  if (!isSlacks(context.signingSecret, request.headers, body, Date.now())) return void response.writeHead(401).end();
  const payload = readPayload(request, body.toString("utf8"));
  if (payload === undefined) return void response.writeHead(400).end();
  if (payload.type === "url_verification") {
    response.writeHead(200, { "content-type": "text/plain" }).end(string(payload.challenge));
    return;
  }
  try {
    await context.take({ body: payload, retry: readRetry(request) });
    response.writeHead(200).end();
  } catch {
    response.writeHead(500).end();
  }
}

function readRetry(request: IncomingMessage): number {
  const number = Number(request.headers["x-slack-retry-num"] ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Events come as JSON; a press as a form with JSON in it; a slash command as a form. */
function readPayload(request: IncomingMessage, text: string): Json | undefined {
  if (!request.headers["content-type"]?.includes("x-www-form-urlencoded")) return parsed(text);
  const form = new URLSearchParams(text);
  const payload = form.get("payload");
  return payload === null ? Object.fromEntries(form) : parsed(payload);
}
