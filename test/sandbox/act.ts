/** What `POST /api/act` takes, checked, with what is left out filled in: the first channel, the first person, the message that is meant. */
import { z } from "zod";
import { lanternPicture } from "./picture.ts";
import { type Action, type ChannelLog, DEEDS, type Deed, type MessageState, type PersonState, type Side } from "./side.ts";

/** Bytes of an upload. */
export const LARGEST = 16 * 1024 * 1024;

export const wishSchema = z.strictObject({
  side: z.enum(["matrix", "irc", "slack", "discord"]),
  do: z.enum(DEEDS),
  channel: z.string().optional(),
  as: z.string().optional(),
  text: z.string().max(60_000).optional(),
  /** A message's id, or words that stand in it: the latest one that fits. */
  to: z.string().optional(),
  name: z.string().max(200).optional(),
  type: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+$/)
    .optional(),
  /** A file's bytes, base64. */
  data: z.base64().optional(),
});
export type Wish = z.infer<typeof wishSchema>;

/** What the caller did wrong, in a sentence. */
export class Mistake extends Error {
  override readonly name = "Mistake";
}

export function toAction(side: Side, wish: Wish): Action {
  if (!side.deeds.includes(wish.do)) throw new Mistake(`People on ${side.name} cannot do that: there is no "${wish.do}" there.`);
  const log = channelOf(side, wish.channel);
  const as = personOf(side, wish.as);
  const to = needsTarget(wish.do) ? targetOf(log, wish, as) : undefined;
  const text = wish.text ?? (wish.do === "react" || wish.do === "unreact" ? "👍" : wish.do === "upload" ? "" : undefined);
  if (text === undefined && wish.do !== "delete") throw new Mistake(`"${wish.do}" needs a "text".`);
  return { do: wish.do, channel: log.id, as, text: text ?? "", ...(to && { to }), ...(wish.do === "upload" && { file: fileOf(wish) }) };
}

function channelOf(side: Side, name: string | undefined): ChannelLog {
  const found = name === undefined ? side.channels[0] : side.channels.find((one) => one.id === name || one.name === name);
  if (!found) throw new Mistake(name === undefined ? `${side.name} is not there.` : `${side.name} has no channel "${name}".`);
  return found;
}

function personOf(side: Side, name: string | undefined): PersonState {
  const found =
    name === undefined ? side.people[0] : side.people.find((one) => one.id === name || one.name.toLowerCase() === name.toLowerCase());
  if (!found)
    throw new Mistake(`Nobody on ${side.name} is called "${name}": there are ${side.people.map((one) => one.name).join(" and ")}.`);
  return found;
}

const needsTarget = (deed: Deed): boolean => !["say", "action", "upload", "topic"].includes(deed);

function targetOf(log: ChannelLog, { do: deed, to }: Wish, as: PersonState): MessageState {
  const own = deed === "edit" || deed === "delete";
  const fits = (one: MessageState): boolean =>
    !one.deleted && one.style !== "event" && (!own || one.who.id === as.id) && (deed !== "edit" || one.files.length === 0);
  const known = to === undefined ? undefined : log.get(to);
  const found = known ?? log.last((message) => fits(message) && (to === undefined || message.text.includes(to)));
  if (found) return found;
  throw new Mistake(to === undefined ? "There is no message yet that it could be about." : `No message there is, or holds, "${to}".`);
}

function fileOf({ name, type, data }: Wish): NonNullable<Action["file"]> {
  if (data === undefined) return { name: name ?? "lantern.png", type: "image/png", bytes: lanternPicture() };
  return { name: name ?? "file", type: type ?? "application/octet-stream", bytes: Buffer.from(data, "base64") };
}
