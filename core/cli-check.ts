/** `causeway check-config`. */
import { existsSync } from "node:fs";
import { loadRegistration } from "./cli-registration.ts";
import type { Verb } from "./cli-verb.ts";
import { loadConfig } from "./config.ts";

export const checkConfig: Verb = async (wishes, shell) => {
  const config = await loadConfig(wishes.config, shell.networks, shell.env);
  for (const warning of config.warnings) shell.complain(warning);
  const names = [...config.networks.values()].map(({ network }) => network.name);
  const links = config.links.length === 1 ? "1 link" : `${config.links.length} links`;
  shell.out(`${config.file} is in order: ${names.length === 0 ? "no network yet" : names.join(", ")}; ${links}.`);
  if (existsSync(config.appservice.registration)) loadRegistration(config);
  else shell.out("There is no registration yet: `causeway registration` writes it.");
};
