/** `causeway check-config`. */
import { existsSync } from "node:fs";
import { loadRegistration, registrationWish } from "./cli-registration.ts";
import type { Verb } from "./cli-verb.ts";
import { type Config, loadConfig } from "./config.ts";
import type { Registration } from "./matrix/registration.ts";

export const checkConfig: Verb = async (wishes, shell) => {
  const config = await loadConfig(wishes.config, shell.networks, shell.env);
  for (const warning of config.warnings) shell.complain(warning);
  const names = [...config.networks.values()].map(({ network }) => network.name);
  const links = config.links.length === 1 ? "1 link" : `${config.links.length} links`;
  shell.out(`${config.file} is in order: ${names.length === 0 ? "no network yet" : names.join(", ")}; ${links}.`);
  const { registration: file } = config.appservice;
  if (!existsSync(file)) return shell.out("There is no registration yet: `causeway registration` writes it.");
  for (const warning of differences(config, loadRegistration(config))) shell.complain(`${file}: ${warning}`);
  shell.out(`${file} is in order; the homeserver has to be told of it, and to be restarted after each change.`);
};

/** What may be meant, and mostly is not. */
function* differences(config: Config, { id, url }: Registration): Generator<string> {
  const wish = registrationWish(config, []);
  if (url === null)
    yield "it has no url, so the homeserver pushes nothing to the bridge: set one, such as the config's appservice.address.";
  else if (url.replace(/\/+$/, "") !== wish.url)
    yield `the homeserver is told ${url}, and the config's appservice.address is ${wish.url}: is the bridge reached there?`;
  if (id !== wish.id) yield `its id is "${id}", and the config's appservice.id "${wish.id}": the homeserver is asked about the first.`;
}
