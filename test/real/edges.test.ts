/** The edges of a room, with a real Synapse and a real IRC server. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { edgeStories } from "../stories/edges-stories.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startSynapse } from "./synapse.ts";

edgeStories("The edges of a room, with Synapse and InspIRCd", {
  startHomeserver: async (registration) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] }),
  startIrc: () => startInspircd(),
});
