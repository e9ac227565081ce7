/** Killed under load on a real Synapse: with Ergo, which keeps history, and with InspIRCd, which gives none back here. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { killStory } from "../stories/kills.ts";
import { startErgo } from "./irc-servers-ergo.ts";
import { startInspircd } from "./irc-servers-inspircd.ts";
import { startSynapse } from "./synapse.ts";

const synapse = async (registration: string) => await startSynapse({ services: [parse(await readFile(registration, "utf8"))] });

killStory("Killed on Synapse and Ergo", {
  startHomeserver: synapse,
  startIrc: () => startErgo(),
  history: true,
  kills: 20,
  seed: 7,
  together: 5,
});
killStory("Killed on Synapse and InspIRCd", {
  startHomeserver: synapse,
  startIrc: () => startInspircd(),
  history: false,
  kills: 20,
  seed: 8,
  together: 5,
});
