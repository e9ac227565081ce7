/** RichText as mrkdwn: what stands beside the blocks for notifications and readers that know no blocks, and in the comment of a file. */
import { never } from "../../core/model/events.ts";
import { clip, toPlainInline } from "../../core/model/plain.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { formatOf } from "./dates.ts";
import { channelOf, userOf } from "./ids.ts";
import { escaped } from "./mrkdwn.ts";
import { messageLink } from "./permalinks.ts";
import { clean } from "./write-blocks.ts";

export function writeMrkdwn(body: RichText): string {
  return clean(body.map(writeBlock).join("\n"));
}

/** At most `length` characters, escapes included: cut as plain text where it would be more, so that no mark stays open. */
export function writeClipped(body: RichText, length: number, plain: string): string {
  const whole = writeMrkdwn(body);
  if (whole.length <= length) return whole;
  for (let room = length; room > 0; room = Math.floor(room * 0.8)) {
    const cut = escaped(clip(clean(plain), room));
    if (cut.length <= length) return cut;
  }
  return "";
}

function writeBlock(block: Block): string {
  switch (block.type) {
    case "paragraph":
      return writeInlines(block.content);
    case "heading":
      return marked("*", writeInlines(block.content));
    case "quote":
      return block.content.map(writeBlock).join("\n").replace(/^/gm, "> ");
    case "code":
      return `\`\`\`\n${escaped(block.text)}\n\`\`\``;
    case "list":
      return block.items.map((item, index) => writeItem(item, block.start === undefined ? "• " : `${block.start + index}. `)).join("\n");
    case "table":
      return block.rows.map((row) => row.map((cell) => writeInlines(cell)).join(" | ")).join("\n");
    case "divider":
      return "———";
    default:
      return never(block);
  }
}

function writeItem(item: RichText, mark: string): string {
  return (
    mark +
    item
      .map(writeBlock)
      .join("\n")
      .replace(/\n/g, `\n${" ".repeat(mark.length)}`)
  );
}

function writeInlines(content: readonly Inline[]): string {
  return content.map(writeInline).join("");
}

/** A mark does not reach over a line break, nor hold white space at its ends. */
function marked(mark: string, text: string): string {
  return text.replace(/[^\n]+/g, (line) => {
    const words = line.trim();
    const at = line.indexOf(words);
    return words === "" ? line : `${line.slice(0, at)}${mark}${words}${mark}${line.slice(at + words.length)}`;
  });
}

function writeInline(node: Inline): string {
  switch (node.type) {
    case "text":
      return escaped(node.text);
    case "break":
      return "\n";
    case "bold":
      return marked("*", writeInlines(node.content));
    case "italic":
      return marked("_", writeInlines(node.content));
    case "strike":
      return marked("~", writeInlines(node.content));
    case "underline":
    case "colour":
      return writeInlines(node.content);
    case "code":
      return node.text.includes("`") ? escaped(node.text) : `\`${escaped(node.text)}\``;
    case "spoiler":
      return `${node.reason === undefined ? "(spoiler)" : `(spoiler: ${escaped(node.reason)})`} ${writeInlines(node.content)}`;
    case "link":
      return angle(node.url, toPlainInline(node.content));
    case "mention":
      return writeMention(node);
    case "emoji":
      return `:${node.name}:`;
    case "time":
      return `<!date^${Math.floor(node.at / 1000)}^${formatOf(node)}|${label(node.text)}>`;
    default:
      return never(node);
  }
}

function angle(url: string, text: string): string {
  const address = escaped(url).replaceAll("|", "%7C").replace(/\s/g, "%20");
  return text === "" || text === url ? `<${address}>` : `<${address}|${label(text)}>`;
}

function label(text: string): string {
  return escaped(text.replace(/\s+/g, " ")).replaceAll("|", "¦");
}

function writeMention({ target, text }: Extract<Inline, { type: "mention" }>): string {
  switch (target.kind) {
    case "person": {
      const user = target.remote === undefined ? undefined : userOf(target.remote);
      return user === undefined || !/^[UW]/.test(user) ? escaped(text) : `<@${user}>`;
    }
    case "channel": {
      const channel = target.remote === undefined ? undefined : channelOf(target.remote);
      return channel === undefined ? escaped(text) : `<#${channel}>`;
    }
    case "message": {
      const url = target.channel && target.remote ? messageLink(undefined, target.channel, target.remote) : undefined;
      return angle(url ?? target.url, text);
    }
    case "group": {
      const group = /^[TE][A-Z0-9]+\/(S[A-Z0-9]+)$/.exec(target.remote)?.[1];
      return group === undefined ? escaped(text) : `<!subteam^${group}>`;
    }
    case "everyone":
    case "here":
      return target.allowed ? (target.kind === "here" ? "<!here>" : "<!channel>") : escaped(text);
    default:
      return never(target);
  }
}
