/** Speaking under each person's own nick through one connection, where server and channel let us (Ergo's `draft/relaymsg`). */
import type { RemoteChannelId } from "../../core/model/ids.ts";
import type { Speaker } from "../../core/model/message.ts";
import { type IrcNetworkConfig, settingsOf } from "./config.ts";
import { readChannelId } from "./ids.ts";
import type { Live } from "./live.ts";
import { OPERATOR, powerOf } from "./modes.ts";
import { fitNick } from "./nicks.ts";

/** Such nicks hold a sign that no other can, so that nobody is taken for somebody else. */
const ENDING = "matrix";

export function relaysByName({ session, book }: Live, config: IrcNetworkConfig, channel: RemoteChannelId): boolean {
  const name = readChannelId(channel)?.channel;
  if (name === undefined || !session.caps.has("draft/relaymsg")) return false;
  const wanted = settingsOf(config, name).relay ?? (config.relay.relaymsg ? "relaymsg" : "prefix");
  return wanted === "relaymsg" && powerOf(book.ranksIn(name, book.me.nick)) >= OPERATOR;
}

export function relayNick({ session }: Live, { name }: Speaker): string {
  const [sign = "/"] = session.caps.offered.get("draft/relaymsg") ?? "";
  return `${fitNick(name, Math.max(session.isupport.nickLength - ENDING.length - 1, 1))}${sign}${ENDING}`;
}
