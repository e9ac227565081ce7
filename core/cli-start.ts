/** `causeway start`: the bridge runs until it is asked to stop. */
import { loadRegistration, tokensIn } from "./cli-registration.ts";
import type { Verb } from "./cli-verb.ts";
import { createClock, readClockSpeed } from "./clock.ts";
import { type Config, loadConfig } from "./config.ts";
import { createLog, type Log } from "./log.ts";

/** Whoever asked us to stop does not wait longer; what is left then lies in the journal. */
const GRACE = 4_500;

export const startBridge: Verb = async (wishes, shell) => {
  const stopped = shell.stopped();
  const config = await loadConfig(wishes.config, shell.networks, shell.env);
  const registration = loadRegistration(config);
  const { log } = openLog(config, shell.terminal);
  for (const warning of config.warnings) log.warn(warning);
  if (config.networks.size === 0) log.warn(`No network is configured: add a section such as "irc" to ${config.file}.`);
  const clock = createClock(readClockSpeed(shell.env["CAUSEWAY_CLOCK_SPEED"], Date.now()));
  process.on("unhandledRejection", (error) => log.error({ err: error }, "A failure that nobody waited for"));

  const { start } = await import("./main.ts");
  const running = await Promise.race([start(config, registration, clock, log), stopped]);
  if (running === undefined) return;
  await stopped;
  log.info("Stopping");
  if (!(await within(GRACE, running.stop()))) log.warn("Stopping took too long; what was being sent lies in the journal");
};

function openLog({ logging, secrets, appservice }: Config, terminal: boolean): Log {
  const format = logging.format === "auto" ? (terminal ? "text" : "json") : logging.format;
  const made = createLog({ level: logging.level, format });
  const tokens = [appservice.registration, appservice.double_puppets ?? ""].flatMap((file) => Object.values(tokensIn(file)));
  for (const secret of [...secrets, ...tokens]) made.hide(secret);
  return made;
}

/** Whether it was done in time. Real time: who stops us does not know of another. */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}
