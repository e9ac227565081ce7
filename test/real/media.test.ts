/** Files and pictures on a real Synapse, with authenticated media, and a real IRC server. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { mediaStories } from "../stories/media-stories.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startSynapse } from "./synapse.ts";

mediaStories("Files and pictures, with Synapse and InspIRCd", {
  startHomeserver: async (registration) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] }),
  startIrc: () => startInspircd(),
});
