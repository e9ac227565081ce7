/**
 * Message components as text: what they say, and what one could press or choose on Discord.
 *
 * https://discord.com/developers/docs/components/reference
 */
import { type APIMessageComponent, type APIModalComponent, ComponentType, type APIUnfurledMediaItem } from "discord-api-types/v10";
import type { RemoteFile } from "../../core/model/message.ts";
import type { Block, Inline, RichText } from "../../core/model/richtext.ts";
import { isWeb, linked, paragraph } from "./embeds.ts";
import { type FileRef, type Holder, kindOf, SPOILER } from "./files.ts";
import { readMarkdown } from "./markdown.ts";
import { customEmoji, type Names } from "./references.ts";

export interface Shown {
  readonly blocks: RichText;
  readonly files: readonly RemoteFile[];
}

/** Deeper than Discord nests them. */
const DEEPEST = 8;

type Any = APIMessageComponent | APIModalComponent;

export function componentsShown(components: readonly unknown[], names: Names, holder: Holder, depth = 0): Shown {
  const each = depth > DEEPEST ? [] : components.map((component) => shown(component as Any, names, holder, depth));
  return { blocks: each.flatMap(({ blocks }) => blocks), files: each.flatMap(({ files }) => files) };
}

function shown(component: Any, names: Names, holder: Holder, depth: number): Shown {
  switch (component.type) {
    case ComponentType.ActionRow:
      return row(component.components ?? [], names);
    case ComponentType.Section:
      return section(component, names, holder, depth);
    case ComponentType.TextDisplay:
      return only(...readMarkdown(component.content ?? "", names));
    case ComponentType.Thumbnail:
      return media([component], holder);
    case ComponentType.MediaGallery:
      return media(component.items ?? [], holder);
    case ComponentType.File:
      return media([{ media: component.file, spoiler: component.spoiler ?? false, name: component.name, size: component.size }], holder);
    case ComponentType.Separator:
      return component.divider === false ? only() : only({ type: "divider" });
    case ComponentType.Container: {
      const { blocks, files } = componentsShown(component.components ?? [], names, holder, depth + 1);
      return { blocks: blocks.length === 0 ? [] : [{ type: "quote", content: blocks }], files };
    }
    case ComponentType.Label: {
      const { blocks, files } = componentsShown([component.component], names, holder, depth + 1);
      return { blocks: [paragraph({ type: "bold", content: [{ type: "text", text: component.label }] }), ...blocks], files };
    }
    default: {
      const words = pressable(component, names);
      return only(paragraph(...(words ?? [unknown(component)])));
    }
  }
}

function only(...blocks: readonly Block[]): Shown {
  return { blocks, files: [] };
}

function unknown(component: { readonly type: number }): Inline {
  return { type: "text", text: `(a part of a kind that the bridge does not know: ${Number(component.type)})` };
}

/** Buttons and menus stand beside each other. */
function row(components: readonly Any[], names: Names): Shown {
  const words: Inline[] = [];
  for (const component of components) {
    if (words.length > 0) words.push({ type: "text", text: "  " });
    words.push(...(pressable(component, names) ?? [unknown(component)]));
  }
  return words.length === 0 ? only() : only(paragraph(...words));
}

function section(component: Extract<Any, { type: ComponentType.Section }>, names: Names, holder: Holder, depth: number): Shown {
  const texts = componentsShown(component.components ?? [], names, holder, depth + 1);
  if (component.accessory === undefined) return texts;
  const beside = componentsShown([component.accessory], names, holder, depth + 1);
  return { blocks: [...texts.blocks, ...beside.blocks], files: [...texts.files, ...beside.files] };
}

/** What can be pressed, chosen or filled in; undefined = a kind that nobody knows. */
function pressable(component: Any, names: Names): Inline[] | undefined {
  switch (component.type) {
    case ComponentType.Button:
      return button(component, names);
    case ComponentType.StringSelect:
      return menu(
        component.placeholder,
        (component.options ?? []).map(({ label }) => label),
      );
    case ComponentType.UserSelect:
    case ComponentType.RoleSelect:
    case ComponentType.MentionableSelect:
    case ComponentType.ChannelSelect:
      return menu(component.placeholder, []);
    case ComponentType.TextInput:
      return menu(component.label ?? component.placeholder, []);
    case ComponentType.RadioGroup:
    case ComponentType.CheckboxGroup:
      return menu(
        undefined,
        (component.options ?? []).map(({ label }) => label),
      );
    case ComponentType.Checkbox:
      return [{ type: "text", text: "☐" }];
    case ComponentType.FileUpload:
      return [{ type: "text", text: "[file]" }];
    default:
      return undefined;
  }
}

function button(component: Extract<Any, { type: ComponentType.Button }>, names: Names): Inline[] {
  const label = "label" in component ? (component.label ?? "") : "";
  const sign = "emoji" in component ? emoji(component.emoji, names) : undefined;
  if ("url" in component)
    return [...(sign ? [sign, { type: "text", text: " " } as const] : []), linked(label || component.url, component.url)];
  return [
    { type: "text", text: "[" },
    ...(sign ? [sign] : []),
    { type: "text", text: `${sign && label ? " " : ""}${label || (sign ? "" : "button")}]` },
  ];
}

function emoji(sign: { id?: string; name?: string; animated?: boolean } | undefined, names: Names): Inline | undefined {
  if (sign?.name === undefined) return undefined;
  return sign.id === undefined || sign.id === null
    ? { type: "text", text: sign.name }
    : customEmoji(sign.name, sign.id, sign.animated === true, names.cdn);
}

function menu(placeholder: string | undefined, options: readonly string[]): Inline[] {
  const head = placeholder ?? "choose";
  return [{ type: "text", text: options.length === 0 ? `[${head} ▾]` : `[${head} ▾: ${options.slice(0, 25).join(" / ")}]` }];
}

interface Item {
  readonly media: APIUnfurledMediaItem;
  readonly description?: string | null;
  readonly spoiler?: boolean;
  readonly name?: string | undefined;
  readonly size?: number | undefined;
}

/** What was uploaded with the message is a file; what lies elsewhere is a link. */
function media(items: readonly Item[], holder: Holder): Shown {
  const files: RemoteFile[] = [];
  const links: Inline[] = [];
  for (const item of items) {
    const file = uploaded(item, holder);
    if (file) files.push(file);
    else if (isWeb(item.media?.url ?? "")) {
      if (links.length > 0) links.push({ type: "text", text: " · " });
      links.push(linked(item.description || "image", item.media.url));
    }
  }
  return { blocks: links.length === 0 ? [] : [paragraph(...links)], files };
}

function uploaded({ media: item, description, spoiler, name, size }: Item, holder: Holder): RemoteFile | undefined {
  const last = URL.canParse(item?.url ?? "") ? decoded(new URL(item.url).pathname.split("/").at(-1) ?? "") : "";
  if (item?.attachment_id === undefined || last === "") return undefined;
  const type = item.content_type ?? undefined;
  const shownName = (name ?? last).replaceAll(/[\\/\u0000-\u001f]/g, "_");
  return {
    kind: kindOf(type),
    name: shownName.startsWith(SPOILER) ? shownName.slice(SPOILER.length) : shownName,
    id: item.attachment_id,
    ref: { kind: "attachment", url: item.url, channel: holder.channel, message: holder.message, id: item.attachment_id } satisfies FileRef,
    ...(type === undefined ? {} : { mimetype: type }),
    ...(size === undefined ? {} : { size }),
    ...(typeof item.width === "number" && item.width > 0 ? { width: item.width } : {}),
    ...(typeof item.height === "number" && item.height > 0 ? { height: item.height } : {}),
    ...(description ? { description } : {}),
    ...(spoiler === true ? { spoiler } : {}),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
