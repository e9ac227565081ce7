/** A login whose credentials are no longer good is told to who can mend it: its owner, or the admins; once. */
import { createHmac } from "node:crypto";
import type { LiveLogin } from "./logins.ts";
import { mxid, type RoomId } from "./model/ids.ts";
import { type PrivateContext, tellPrivately } from "./tell-privately.ts";

export interface LoggedOutContext extends PrivateContext {
  /** Keeps what the occasion is named by from telling the credentials. */
  readonly secret: Buffer;
  readonly adminRoom: RoomId | undefined;
}

export async function tellLoggedOut(context: LoggedOutContext, { network, login, state }: LiveLogin): Promise<void> {
  if (state.is !== "logged-out") return;
  // Told again after the next sign-in, however often the bridge starts meanwhile.
  const which = createHmac("sha256", context.secret)
    .update(`${state.why}\n${JSON.stringify(login.secrets)}`)
    .digest("base64url")
    .slice(0, 12);
  const key = `logged-out:${network.id}/${login.id}:${which}`;
  const what = `${network.name} (${login.name})`;
  if (login.owner === undefined) {
    const text = `${what} is logged out, and nothing crosses there: ${state.why}`;
    if (context.adminRoom) await context.notices.say(context.adminRoom, key, text);
    return;
  }
  const mend = `\`!causeway login ${network.id}\` signs you in again; what you write meanwhile is relayed under your name where the room allows it.`;
  await tellPrivately(context, mxid(login.owner), key, `Your login on ${what} has ended: ${state.why} ${mend}`);
}
