/** At the start: does the homeserver know us, and can it reach us? Asked until it is so, and told in one sentence when it is not. */
import type { Logger } from "pino";
import { MatrixError, type MatrixClient, Unreachable } from "./matrix/client.ts";
import type { Registration } from "./matrix/registration.ts";
import type { Clock } from "./network.ts";

export interface PingContext {
  readonly client: MatrixClient;
  readonly registration: Registration;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const LONGEST_WAIT = 60_000;
/** How often a trouble that lasts is told. */
const TOLD_AGAIN = 600_000;

/** Resolves when the homeserver takes our token; a homeserver that cannot reach us is told of, and not waited for. */
export async function pingUntilHeard(context: PingContext): Promise<void> {
  const { client, registration, clock, log, signal } = context;
  let told: { readonly why: string; readonly at: number } | undefined;
  for (let wait = 500; ; wait = Math.min(LONGEST_WAIT, wait * 2)) {
    try {
      await client.register(registration.sender_localpart);
      break;
    } catch (error) {
      const why = whyNotKnown(error);
      // The same sentence again and again would hide everything else in the log.
      const isNews = told?.why !== why || clock.now() - told.at > TOLD_AGAIN;
      if (isNews) told = { why, at: clock.now() };
      log[isNews ? "error" : "debug"](why);
      await clock.sleep(wait, signal);
    }
  }
  // The ping also makes the homeserver try at once what it could not deliver while we were away.
  await client.ping(registration.id, `start-${clock.now()}`).then(
    ({ duration_ms }) => log.info({ ms: duration_ms }, "The homeserver reaches the bridge"),
    (error: unknown) => log.error(whyNotReached(error, registration)),
  );
}

function whyNotKnown(error: unknown): string {
  if (error instanceof Unreachable) return `${error.message} Is homeserver.url in the config right? Trying again.`;
  if (error instanceof MatrixError && error.status === 401) {
    return "The homeserver does not know the bridge's token: add registration.yaml to its app_service_config_files and restart it.";
  }
  if (error instanceof MatrixError && error.errcode === "M_EXCLUSIVE") {
    return "The homeserver does not let the bridge have its own bot: its copy of registration.yaml is another one.";
  }
  return `The homeserver refuses the bridge: ${error instanceof Error ? error.message : String(error)}`;
}

function whyNotReached(error: unknown, registration: Registration): string {
  if (!(error instanceof MatrixError)) return `The homeserver could not be asked to call the bridge: ${String(error)}`;
  switch (error.errcode) {
    case "M_URL_NOT_SET":
      return "The homeserver's copy of registration.yaml has no url: it cannot push anything to the bridge.";
    case "M_CONNECTION_FAILED":
    case "M_CONNECTION_TIMEOUT":
      return `The homeserver cannot reach the bridge at ${registration.url}: see appservice.address in the config, and firewalls between.`;
    case "M_BAD_STATUS":
      return "The homeserver reached the bridge, but with another token: both must use the same registration.yaml.";
    case "M_UNRECOGNIZED":
      return "The homeserver is too old to tell whether it reaches the bridge (Matrix 1.7 is needed for that).";
    default:
      return `The homeserver could not call the bridge: ${error.message}`;
  }
}
