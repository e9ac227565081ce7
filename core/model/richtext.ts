/**
 * Formatted text as every shore understands it: a small readonly tree, serialisable as JSON.
 * Network converters read and write it and nothing else; HTML is parsed and made safe in `core/matrix/html.ts` only.
 *
 * A mention holds an id, never a name to look up: core resolves ids in *gather*, before any converter runs.
 */
import type { EventId, MxcUri, Mxid, RemoteChannelId, RemoteMessageId, RemoteUserId, RoomAlias, RoomId } from "./ids.ts";

export type RichText = readonly Block[];

export type Block =
  | { readonly type: "paragraph"; readonly content: readonly Inline[] }
  | { readonly type: "heading"; readonly level: 1 | 2 | 3 | 4 | 5 | 6; readonly content: readonly Inline[] }
  | { readonly type: "quote"; readonly content: readonly Block[] }
  /** `text` is verbatim, without a closing newline; `language` absent = not said. */
  | { readonly type: "code"; readonly text: string; readonly language?: string }
  /** `start` absent = bullets. Each item is a list of blocks, so lists nest. */
  | { readonly type: "list"; readonly start?: number; readonly items: readonly RichText[] }
  /** The first row is the heading when `heading` is true. */
  | { readonly type: "table"; readonly heading: boolean; readonly rows: readonly (readonly (readonly Inline[])[])[] }
  | { readonly type: "divider" };

export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "break" }
  | { readonly type: "bold" | "italic" | "strike" | "underline"; readonly content: readonly Inline[] }
  | { readonly type: "code"; readonly text: string }
  /** `reason` is Matrix's `data-mx-spoiler` value; absent = none given. */
  | { readonly type: "spoiler"; readonly content: readonly Inline[]; readonly reason?: string }
  /** `#rrggbb`, lower case. At least one of the two is present. */
  | { readonly type: "colour"; readonly foreground?: string; readonly background?: string; readonly content: readonly Inline[] }
  /** `url` is http, https, mailto or another scheme that the Matrix spec allows in `<a href>`. */
  | { readonly type: "link"; readonly url: string; readonly content: readonly Inline[] }
  | { readonly type: "mention"; readonly target: MentionTarget; readonly text: string }
  /** Unicode emoji are plain text; this is a picture with a name (without colons). */
  | { readonly type: "emoji"; readonly name: string; readonly source?: EmojiSource }
  /** Milliseconds since 1970; `text` is what to show where the network has no such thing. */
  | { readonly type: "time"; readonly at: number; readonly text: string; readonly style?: "time" | "date" | "datetime" | "relative" };

/**
 * Who or what a mention points to. A network's `from` converter fills the remote kinds and core turns them into
 * Matrix ones on the way in; on the way out core turns Matrix ones into remote ones where it can.
 * `text` beside it is the readable fallback, always present, never carrying the sigil's effect (no `@everyone`).
 */
export type MentionTarget =
  | { readonly kind: "person"; readonly remote?: RemoteUserId; readonly mxid?: Mxid }
  /** `alias` is what was written where a room was named by one; core looks up which room it is. */
  | { readonly kind: "channel"; readonly remote?: RemoteChannelId; readonly room?: RoomId; readonly alias?: RoomAlias }
  /** A permalink: to a message here or there. `url` is the address on the side where it was written. */
  | {
      readonly kind: "message";
      readonly channel?: RemoteChannelId;
      readonly remote?: RemoteMessageId;
      readonly room?: RoomId;
      readonly event?: EventId;
      readonly url: string;
    }
  /** A role (Discord), a user group (Slack). */
  | { readonly kind: "group"; readonly remote: string }
  /** Everybody (`@room`, `@everyone`, `@channel`), or everybody who is active (`@here`). `allowed` false = shown inert. */
  | { readonly kind: "everyone" | "here"; readonly allowed: boolean };

export type EmojiSource =
  /** An emoji of the network: `id` names it there, `url` is its picture. */
  | { readonly kind: "remote"; readonly id: string; readonly url?: string; readonly animated?: boolean }
  | { readonly kind: "mxc"; readonly uri: MxcUri };

/** One paragraph per line of plain text. */
export function plainText(text: string): RichText {
  return [{ type: "paragraph", content: textLines(text) }];
}

/** Text with its line breaks as nodes. */
export function textLines(text: string): Inline[] {
  const out: Inline[] = [];
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (index > 0) out.push({ type: "break" });
    if (line !== "") out.push({ type: "text", text: line });
  }
  return out;
}
