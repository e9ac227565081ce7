// `npm run demo`: the sandbox, on the Node that can run it. A word after it is the port.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needNode } from "./node24.js";

const demo = fileURLToPath(new URL("../test/sandbox/demo.ts", import.meta.url));
/** What V8 made of the code last time: half a second less. */
const cache = fileURLToPath(new URL("../node_modules/.cache/code", import.meta.url));
const env = { NODE_COMPILE_CACHE: cache, ...process.env };
const child = spawn(needNode(), [demo, ...process.argv.slice(2)], { stdio: "inherit", env });
// Ctrl+C reaches both; the demo tidies up, and this waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
