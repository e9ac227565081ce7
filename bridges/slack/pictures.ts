/**
 * Pictures of the public web: avatars, emoji. Other apps may name any address for theirs, so nothing of ours goes with the request, and
 * nothing within our own walls is asked, whatever a name resolves to and wherever a redirect leads.
 */
import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import { type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent } from "undici";
import { Refused } from "../../core/model/errors.ts";
import type { Desk } from "./desk.ts";
import { fetched, later, type Opened, opened } from "./files.ts";
import { isSlacks, staysWithSlack } from "./hosts.ts";
import { string } from "./wire.ts";

const MOST_REDIRECTS = 3;
const ELSEWHERE = "The picture lies where the bridge does not look.";

export async function openPicture(desk: Desk, url: string): Promise<Opened> {
  let at = url;
  let from = url;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
    const ours = hop === 0 ? isSlacks(desk.apiUrl, at) : staysWithSlack(desk.apiUrl, from, at);
    if (!ours && !isOnTheWeb(at)) throw new Refused(ELSEWHERE);
    const { statusCode, headers, body } = await fetched(desk, at, {}, ours ? undefined : web);
    const type = string(headers["content-type"]).split(";")[0]?.trim() ?? "";
    if (statusCode === 200 && type.startsWith("image/")) return opened(body, headers, type);
    await body.dump();
    later(statusCode);
    const next = string(headers.location);
    if (statusCode < 300 || statusCode >= 400 || !URL.canParse(next, at)) break;
    from = at;
    at = new URL(next, at).href;
  }
  throw new Refused("There is no picture at its address.");
}

/** An address that is none by its looks is not even looked up. */
export function isOnTheWeb(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && hostname.includes(".") && !/^[\d.]+$|^\[|\.(?:local|internal|localhost|home|lan)\.?$/.test(hostname);
}

/** Neither this machine, nor its network, nor anything else that is not meant for everybody. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "unicast";
}

type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** Connects to public addresses only. */
export function publicOnly(resolve: Resolve): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const open = (found ?? []).filter(({ address }) => isPublicAddress(address));
      const [first] = open;
      if (error) done(error, []);
      else if (!first) done(new Error(`${hostname} is no public address`), []);
      else if (options.all) done(null, open);
      else done(null, first.address, first.family);
    });
  };
}

const web = new Agent({ connect: { lookup: publicOnly(lookup) } });
