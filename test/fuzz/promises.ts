/** What has to hold of whatever comes out, however odd what went in was. */
import { type InRefs, toMatrix } from "../../core/matrix/to-matrix.ts";
import type { RemoteMessage } from "../../core/model/events.ts";
import { remoteChannelId, remoteMessageId, remoteUserId } from "../../core/model/ids.ts";
import type { RichText } from "../../core/model/richtext.ts";
import { mentions } from "../../core/model/walk.ts";

export class Broken extends Error {}

export function require(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

const SAFE_TAG =
  /^<(?:\/?(?:strong|em|del|u|code|pre|p|blockquote|ul|ol|li|table|thead|tbody|tr|th|td|h[1-6]|span|a|sub)|br|hr|code class="language-[\w+#.-]+"|ol start="-?\d+"|a href="(?:https?|ftp|mailto|magnet):[^"<>]*"|span data-mx-spoiler(?:="[^"<>]*")?|span(?: data-mx-(?:bg-)?color="#[0-9a-fA-F]{6}")+|img data-mx-emoticon src="mxc:[^"<>]*" alt="[^"<>]*" title="[^"<>]*" height="32")>$/;

const NOTHING: InRefs = {
  people: new Map(),
  channels: new Map(),
  messages: new Map(),
  emoji: new Map(),
  files: [],
  late: false,
};

/** Text of any network, as the room would show it: no tag that was not meant, no half of a character, nothing that runs. */
export function soundText(body: RichText): void {
  const message: RemoteMessage = {
    kind: "message",
    channel: remoteChannelId("toy/general"),
    message: remoteMessageId("1"),
    sender: remoteUserId("toy/alice"),
    at: 0,
    via: "live",
    style: "text",
    body,
  };
  for (const { content } of toMatrix(message, NOTHING)) {
    const written = typeof content["formatted_body"] === "string" ? content["formatted_body"] : "";
    for (const [tag] of written.matchAll(/<[^>]*>?/g)) require(SAFE_TAG.test(tag), `an unescaped tag: ${tag}`);
    const json = JSON.stringify(content);
    require(!/\\u/.test(json.replaceAll("\\\\", "")), `a control character or half of one: ${json.slice(0, 200)}`);
    require(Buffer.byteLength(json) < 60_000, `an event of ${Buffer.byteLength(json)} bytes`);
  }
}

/** Whether the text asks for anybody to be rung. */
export function rings(body: RichText): boolean {
  return mentions(body).length > 0;
}

export function soundLine(line: string): void {
  require(!/[\r\n\0]/.test(line), `a line that does not end where it ends: ${JSON.stringify(line)}`);
}
