/**
 * What is said in the room, as the model has it. Pure, and nothing throws: whoever is in a room can send any content, so what is missing
 * or of the wrong type counts as absent, and a kind that nobody knows is still text.
 */
import type { Poll, Style } from "../model/message.ts";
import { clip, oneLine } from "../model/plain.ts";
import { type Inline, plainText, type RichText } from "../model/richtext.ts";
import { prefixed } from "../model/walk.ts";
import { bodyOf } from "./from-body.ts";
import { fileKind, fileName, fileOf, hasCaption, type MatrixFile } from "./from-file.ts";
import { type OutRefs, withMentions } from "./from-mentions.ts";
import { pollOf } from "./from-poll.ts";
import { cleanText } from "./clean.ts";
import { readUrl } from "./html-values.ts";
import type { AnyContent } from "./relations.ts";

export type { MatrixFile } from "./from-file.ts";
export { type Mentioned, mentionedIn, type OutRefs } from "./from-mentions.ts";
export { editTarget, newContent, pollTarget, pollVote, type Reaction, reactionOf, replyTarget, threadRoot } from "./relations.ts";

export interface Said {
  readonly style: Style;
  /** Empty when there is only a file or a poll. */
  readonly body: RichText;
  readonly file?: MatrixFile;
  readonly poll?: Poll;
}

const POLL_TYPES: ReadonlySet<string> = new Set(["m.poll.start", "org.matrix.msc3381.poll.start"]);

/** `content` is the event's, or of an edit the new content. */
export function fromMatrix(type: string, content: AnyContent, refs: OutRefs): Said {
  const poll = POLL_TYPES.has(type) ? pollOf(content) : undefined;
  if (poll !== undefined) return { style: "text", body: [], poll };
  const kind = fileKind(type, content);
  if (kind === undefined) return fromText(type, content, refs);
  const caption = hasCaption(content) ? withMentions(bodyOf(content), content, refs) : [];
  const file = fileOf(kind, content);
  if (file !== undefined) return { style: "text", body: caption, file };
  const why = content["file"] === undefined ? "without an address" : "encrypted, so it cannot be relayed";
  return { style: "text", body: [...caption, ...plainText(`📎 ${fileName(kind, content)} (${why})`)] };
}

function fromText(type: string, content: AnyContent, refs: OutRefs): Said {
  const said = () => withMentions(bodyOf(content), content, refs);
  const { msgtype } = content;
  switch (msgtype) {
    case "m.text":
      return { style: "text", body: said() };
    case "m.emote":
      return { style: "emote", body: said() };
    case "m.notice":
    case "m.server_notice":
      return { style: "notice", body: said() };
    case "m.location":
      return { style: "text", body: [{ type: "paragraph", content: place(content) }] };
    case "m.key.verification.request":
      return { style: "notice", body: plainText("(asks someone to verify their keys, which works on Matrix only)") };
    default:
      return { style: "text", body: named(typeof msgtype === "string" ? msgtype : type, said()) };
  }
}

/** A kind that is not known is named before its text, so that nobody takes the text for all there was. */
function named(kind: string, body: RichText): RichText {
  if (kind === "m.room.message") return body;
  const name = `[${clip(oneLine(cleanText(kind)), 80)}]`;
  return prefixed(body, [{ type: "text", text: body[0]?.type === "paragraph" ? `${name} ` : name }]);
}

const GEO = /^geo:(-?\d{1,3}(?:\.\d{1,12})?),(-?\d{1,3}(?:\.\d{1,12})?)(?:[,;]|$)/;

/** A place as a link to a map (RFC 5870), under the words that came with it. */
function place(content: AnyContent): Inline[] {
  const { body, geo_uri: uri } = content;
  const words = typeof body === "string" ? cleanText(body).replace(/\s+/g, " ").trim() : "";
  const [, latitude, longitude] = GEO.exec(typeof uri === "string" ? uri : "") ?? [];
  const url = latitude === undefined ? undefined : readUrl(`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`);
  const text: Inline = { type: "text", text: words || "A place" };
  return [{ type: "text", text: "📍 " }, url === undefined ? text : { type: "link", url, content: [text] }];
}
