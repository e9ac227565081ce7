/** `npm run test:real -- --install`: fetches the real servers that are not on this machine yet. What needs root it leaves to a person, in a sentence. */
import { composeSchemaMissing, installComposeSchema } from "./compose-schema.ts";
import { ergoMissing, installErgo } from "./irc-servers-ergo.ts";
import { inspircdMissing } from "./irc-servers-inspircd.ts";
import { ngircdMissing } from "./irc-servers-ngircd.ts";
import { installSynapse, synapseMissing } from "./synapse.ts";

const own: readonly [string, () => Promise<string | undefined>, () => Promise<void>][] = [
  ["Synapse", synapseMissing, installSynapse],
  ["Ergo", ergoMissing, installErgo],
  ["the schema of Compose files", composeSchemaMissing, installComposeSchema],
];

for (const [name, missing, install] of own) {
  if ((await missing()) === undefined) continue;
  console.log(`Installing ${name} …`);
  await install();
}
const left = [await inspircdMissing(true), await ngircdMissing()].filter((sentence) => sentence !== undefined);
for (const sentence of left) console.error(sentence);
process.exitCode = left.length === 0 ? 0 : 1;
