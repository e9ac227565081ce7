// Writes the example files anew from the schemas. Runs on the Node that runs the bridge.
import { writeFileSync } from "node:fs";
import { networks } from "../bridges/index.ts";
import { exampleFiles } from "../core/config-example.ts";

const loaded = await Promise.all(networks.map((entry) => entry.load()));
for (const [file, text] of Object.entries(await exampleFiles(loaded))) writeFileSync(new URL(`../${file}`, import.meta.url), text);
