/** Matrix people on IRC as themselves, on a real Synapse and real IRC servers. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { ircOwnStories } from "../stories/irc-own-stories.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startNgircd } from "./irc-servers-ngircd.ts";
import { startSynapse } from "./synapse.ts";

const servers = { InspIRCd: () => startInspircd(), ngIRCd: () => startNgircd(), Ergo: () => startErgo() };

for (const [name, start] of Object.entries(servers)) {
  ircOwnStories(`Matrix people as themselves, Synapse and ${name}`, {
    startHomeserver: async (registration) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] }),
    startIrc: start,
  });
}
