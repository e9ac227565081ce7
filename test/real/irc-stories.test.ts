/** The journeys between a room and IRC, on a real Synapse and real IRC servers. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { ircStories } from "../stories/irc-stories.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startNgircd } from "./irc-servers-ngircd.ts";
import { startSynapse } from "./synapse.ts";

const servers = { InspIRCd: () => startInspircd(), ngIRCd: () => startNgircd(), Ergo: () => startErgo() };

for (const [name, start] of Object.entries(servers)) {
  ircStories(`Synapse and ${name}`, {
    startHomeserver: async (registration) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] }),
    startIrc: start,
    startOther: () => startInspircd({ network: "OtherNet" }),
  });
}
