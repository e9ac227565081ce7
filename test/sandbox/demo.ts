/** `npm run demo`: starts the sandbox and says where it is. Ends on Ctrl+C. */
import { SandboxServer } from "./http.ts";
import { Sandbox } from "./sandbox.ts";

const wished = Number(process.argv[2] ?? process.env["PORT"] ?? 4600);

/** Ctrl+C reaches us twice, from the terminal and by way of npm: only what comes later is impatience. */
const PATIENCE = 1_000;

const ended = new Promise<void>((resolve) => {
  let first: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > PATIENCE) process.exit(1);
      resolve();
    });
});

const sandbox = await Sandbox.open();
const server = new SandboxServer(sandbox);
const port = await server.listen(wished);
console.log(`
  Causeway's sandbox is at  http://localhost:${port}

  Matrix and the networks stand next to each other on that page, each on a little server of its own on this machine,
  with the real bridge between them. Things to try:

    · say something on one side, and watch it arrive on the others
    · reply to it there, edit it, react to it
    · start the chatter and kill the bridge: the counters tell whether anything got lost

  Ctrl+C ends it and leaves nothing behind.
`);

/** What the page shows of a bridge that cannot start stands here too, for whoever sits at the terminal. */
let told: string | undefined;
const watching = setInterval(() => {
  const { is, why } = sandbox.state().bridge;
  if (is === "down" && why !== undefined && why !== told) console.error(`  The bridge does not run. ${why}\n`);
  if (is === "down") told = why;
}, 500);

await ended;
clearInterval(watching);
await server.close();
await sandbox.close();
process.exit(0);
