/** The command line's entrance: the real world, and the networks that there are. */
import { networks } from "../bridges/index.ts";
import { runCommand } from "./cli-command.ts";

const stopped = () =>
  new Promise<void>((resolve) => {
    // Asked a second time, it is stopping already: that takes five seconds at most, and cutting it short would help nobody.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => resolve());
  });

const code = await runCommand(process.argv.slice(2), {
  env: process.env,
  networks,
  terminal: process.stdout.isTTY,
  out: (text) => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
  stopped,
});
process.exit(code);
