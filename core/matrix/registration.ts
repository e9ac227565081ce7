/**
 * The registration file: what a homeserver must know of us. Made once, with random tokens; read at each start, and told apart where it
 * is wrong. Application service API, "Registration".
 */
import { parse, stringify } from "yaml";
import { isRecord } from "./event.ts";

export interface Registration {
  readonly id: string;
  /** Where the homeserver reaches us; null = it sends us nothing. */
  readonly url: string | null;
  readonly as_token: string;
  readonly hs_token: string;
  readonly sender_localpart: string;
  readonly rate_limited?: boolean;
  readonly receive_ephemeral?: boolean;
  /** What `receive_ephemeral` was called before Matrix 1.13. */
  readonly "de.sorunome.msc2409.push_ephemeral"?: boolean;
  readonly protocols?: readonly string[];
  readonly namespaces: {
    readonly users?: readonly Claim[];
    readonly aliases?: readonly Claim[];
    readonly rooms?: readonly Claim[];
  };
}

export interface Claim {
  readonly regex: string;
  /** True: nobody else may use what it matches. */
  readonly exclusive: boolean;
}

export interface RegistrationWish {
  readonly id: string;
  readonly url: string | null;
  readonly domain: string;
  readonly senderLocalpart: string;
  /** Of the networks that are in the config, in order: `{id: "irc", prefix: "_irc_"}`. */
  readonly networks: readonly { readonly id: string; readonly prefix: string }[];
}

/** Several mistakes at once, one sentence each. */
export class RegistrationMistakes extends Error {
  override readonly name = "RegistrationMistakes";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

const WRITE_ANEW = 'Write the file anew with "causeway registration --force", give it to the homeserver and restart both.';

export async function makeRegistration(wish: RegistrationWish): Promise<Registration> {
  // The one file of the library that is wanted here; the library itself would cost 68 MB.
  const { AppServiceRegistration } = await import("matrix-appservice/lib/app-service-registration.js");
  const made = new AppServiceRegistration(wish.url);
  made.setId(wish.id);
  made.setAppServiceToken(AppServiceRegistration.generateToken());
  made.setHomeserverToken(AppServiceRegistration.generateToken());
  made.setSenderLocalpart(wish.senderLocalpart);
  made.setRateLimited(false);
  made.setProtocols(wish.networks.map(({ id }) => id));
  made.pushEphemeral = true;
  const { users, aliases } = claimsFor(wish);
  for (const { regex, exclusive } of users) made.addRegexPattern("users", regex, exclusive);
  for (const { regex, exclusive } of aliases) made.addRegexPattern("aliases", regex, exclusive);
  const output = made.getOutput();
  return {
    ...output,
    receive_ephemeral: true,
    protocols: output.protocols ?? [],
    namespaces: { users, aliases, rooms: [] },
  };
}

/**
 * A second registration, by which the bridge may act as people of the homeserver who link an account: what they write on a network then
 * stands under their own name. It claims everybody, exclusively nobody, and is never called.
 */
export async function makeDoublePuppetRegistration({ id, domain }: { id: string; domain: string }): Promise<Registration> {
  const { AppServiceRegistration } = await import("matrix-appservice/lib/app-service-registration.js");
  return {
    id: `${id}-doublepuppet`,
    url: null,
    as_token: AppServiceRegistration.generateToken(),
    hs_token: AppServiceRegistration.generateToken(),
    // Nobody is meant to be this account; a name that cannot be guessed keeps it free.
    sender_localpart: `${id}-${AppServiceRegistration.generateToken().slice(0, 16)}`,
    rate_limited: false,
    namespaces: { users: [{ regex: `^@.*:${literal(domain)}$`, exclusive: false }], aliases: [], rooms: [] },
  };
}

/** The bot stands among the users too: some homeservers push its own events only then. */
function claimsFor({ domain, senderLocalpart, networks }: RegistrationWish): { users: Claim[]; aliases: Claim[] } {
  const end = `:${literal(domain)}$`;
  const ghosts = networks.map(({ prefix }) => ({ exclusive: true, regex: `^@${literal(prefix)}.*${end}` }));
  return {
    users: [{ exclusive: true, regex: `^@${literal(senderLocalpart)}${end}` }, ...ghosts],
    aliases: networks.map(({ prefix }) => ({ exclusive: true, regex: `^#${literal(prefix)}.*${end}` })),
  };
}

export function writeRegistration(registration: Registration): string {
  return stringify(registration, { lineWidth: 0 });
}

/** Throws `RegistrationMistakes`. Keys that we do not know are kept out of the way, not refused: homeservers have their own. */
export function readRegistration(text: string, file: string): Registration {
  let found: unknown;
  try {
    found = parse(text);
  } catch {
    throw new RegistrationMistakes([`${file} is not readable as YAML. ${WRITE_ANEW}`]);
  }
  if (!isRecord(found)) throw new RegistrationMistakes([`${file} holds no registration. ${WRITE_ANEW}`]);
  const mistakes = [...tokenMistakes(found), ...nameMistakes(found), ...claimMistakes(found)].map((mistake) => `${file}: ${mistake}`);
  if (mistakes.length > 0) throw new RegistrationMistakes(mistakes);
  return { ...(found as unknown as Registration), url: (found.url as string | null) || null };
}

function* tokenMistakes(found: Record<string, unknown>): Generator<string> {
  for (const name of ["as_token", "hs_token"]) {
    const token = found[name];
    if (typeof token !== "string" || token === "") yield `"${name}" is missing, or is no text. ${WRITE_ANEW}`;
    else if (!/^[\x21-\x7e]+$/.test(token)) yield `"${name}" holds characters that cannot stand in a header. ${WRITE_ANEW}`;
    else if (token.length < 16) yield `"${name}" is so short that it can be guessed. ${WRITE_ANEW}`;
  }
  if (typeof found.as_token === "string" && found.as_token !== "" && found.as_token === found.hs_token) {
    yield `"as_token" and "hs_token" are the same; each side must have a secret of its own. ${WRITE_ANEW}`;
  }
}

function* nameMistakes({ id, sender_localpart: sender, url }: Record<string, unknown>): Generator<string> {
  if (typeof id !== "string" || id === "") yield `"id" is missing: give the bridge a name such as "causeway".`;
  if (typeof sender !== "string" || sender === "") yield `"sender_localpart" is missing: give the bot a name such as "causeway".`;
  else if (!/^[a-z0-9._=/+-]+$/.test(sender)) {
    yield `"sender_localpart" is "${sender}", which is no user name: use a–z, 0–9 and . _ = / + - only, without @ and domain.`;
  }
  if (url === null || url === "") return;
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    yield `"url" is no address: write where the homeserver reaches the bridge, such as "http://localhost:9898".`;
  }
}

function* claimMistakes({ namespaces }: Record<string, unknown>): Generator<string> {
  if (!isRecord(namespaces)) return yield `"namespaces" is missing. ${WRITE_ANEW}`;
  for (const kind of ["users", "aliases", "rooms"]) {
    const claims = namespaces[kind] ?? [];
    if (!Array.isArray(claims)) {
      yield `"namespaces.${kind}" must be a list.`;
      continue;
    }
    for (const claim of claims) {
      const regex = isRecord(claim) ? claim.regex : undefined;
      if (typeof regex !== "string" || !isRegex(regex)) yield `"namespaces.${kind}" holds an entry whose "regex" is none.`;
    }
  }
}

/** What a good file lacks for this config (a network added since, another bot): one sentence each. */
export function missingFrom(registration: Registration, wish: RegistrationWish): string[] {
  const lacks: string[] = [];
  if (registration.sender_localpart !== wish.senderLocalpart) {
    lacks.push(
      `The registration's bot is "${registration.sender_localpart}" and the config's "${wish.senderLocalpart}"; make them the same.`,
    );
  }
  const covers = (claims: readonly Claim[] | undefined, name: string): boolean =>
    (claims ?? []).some(({ regex }) => new RegExp(`^(?:${regex})`).test(name));
  for (const { id, prefix } of wish.networks) {
    const free = !covers(registration.namespaces.users, `@${prefix}somebody:${wish.domain}`);
    const freeAlias = !covers(registration.namespaces.aliases, `#${prefix}somewhere:${wish.domain}`);
    if (free) lacks.push(`The registration does not claim the users of ${id} (@${prefix}…:${wish.domain}). ${WRITE_ANEW}`);
    if (freeAlias) lacks.push(`The registration does not claim the aliases of ${id} (#${prefix}…:${wish.domain}). ${WRITE_ANEW}`);
  }
  return lacks;
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
