/** `causeway registration`, and what `start` and `check-config` want of the file that it writes. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Complaint, type Verb } from "./cli-verb.ts";
import { type Config, loadConfig } from "./config.ts";
import {
  makeDoublePuppetRegistration,
  makeRegistration,
  missingFrom,
  type Registration,
  type RegistrationWish,
  readRegistration,
  writeRegistration,
} from "./matrix/registration.ts";
import type { NetworkId } from "./model/ids.ts";

export const writeRegistrationFile: Verb = async (wishes, shell) => {
  const config = await loadConfig(wishes.config, shell.networks, shell.env);
  const { registration, double_puppets } = config.appservice;
  const file = wishes.doublePuppets ? (double_puppets ?? resolve(dirname(config.file), "registration-double-puppets.yaml")) : registration;
  if (existsSync(file) && !wishes.force) {
    throw new Complaint(`${file} is there already, and the homeserver may know it: --force writes it anew, with the tokens that it has.`);
  }
  const made = wishes.doublePuppets
    ? await makeDoublePuppetRegistration({ id: config.appservice.id, domain: config.homeserver.domain })
    : await makeRegistration(registrationWish(config, shell.networks));
  // With the tokens that it had, a homeserver that was told of them goes on knowing us.
  replaceFile(file, writeRegistration({ ...made, ...tokensIn(file) }));
  shell.out(
    `Wrote ${file}. Name it to the homeserver (Synapse: app_service_config_files), which must be able to read it, and restart the homeserver.`,
  );
  if (wishes.doublePuppets && double_puppets === undefined)
    shell.out(`Then name it to the bridge: appservice.double_puppets in ${config.file}.`);
};

/** What the homeserver has to be told for this config. Without any network in it yet, all that there are. */
export function registrationWish(
  config: Pick<Config, "appservice" | "homeserver" | "networks">,
  known: readonly { readonly id: NetworkId }[],
): RegistrationWish {
  const { appservice, homeserver, networks } = config;
  const ids = networks.size > 0 ? [...networks.keys()] : known.map(({ id }) => id);
  return {
    id: appservice.id,
    url: appservice.address,
    domain: homeserver.domain,
    senderLocalpart: appservice.bot,
    networks: ids.map((id) => ({ id, prefix: `${appservice.prefix}${id}_` })),
  };
}

/** The registration as the homeserver has it. Rejects when it is missing, broken, or does not fit the config. */
export function loadRegistration(config: Config): Registration {
  const file = config.appservice.registration;
  if (!existsSync(file))
    throw new Complaint(`There is no ${file}: \`causeway registration\` writes it, and the homeserver must be told of it.`);
  const registration = readRegistration(readWhole(file), file);
  const lacks = missingFrom(registration, registrationWish(config, []));
  if (lacks.length > 0) throw new Complaint(lacks.map((lack) => `${file}: ${lack}`).join("\n"));
  return registration;
}

function readWhole(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const why = code === "EACCES" ? "it belongs to somebody else: let the bridge's user read it" : code;
    throw new Complaint(`${file} cannot be read: ${why}.`);
  }
}

/** Those of a file that is whole; of any other, none. */
export function tokensIn(file: string): Partial<Pick<Registration, "as_token" | "hs_token">> {
  try {
    const { as_token, hs_token } = readRegistration(readFileSync(file, "utf8"), file);
    return { as_token, hs_token };
  } catch {
    return {};
  }
}

/** Whole or not at all: a homeserver that starts meanwhile must not read half of it. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.part`, text, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}
