/** What the bridge counts of itself, for Prometheus. Labels name networks, never people or rooms: their number must stay small. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Direction = "in" | "out";

export interface MetricsSources {
  /** Called at each scrape. */
  journal(): Promise<{ readonly waiting: number; readonly parked: number }>;
  /** Lanes that are in memory: those that have work, and those of them that are held. */
  lanes(): { readonly awake: number; readonly held: number };
  /** How many logins of each network are in which state. */
  connections(): Iterable<{ readonly network: string; readonly state: string }>;
}

export interface Metrics {
  readonly registry: Registry;
  /** Something arrived: `since` = when it reached us, `now` = when it was delivered, milliseconds. */
  delivered(what: { network: string; direction: Direction; kind: string; since: number; now: number }): void;
  /** Said while we could not hear it, on a network that keeps no history. */
  missed(network: string, lines: number): void;
  parked(network: string, direction: Direction): void;
  /** The canary: how long our own event took to come back, milliseconds; undefined = it has not. */
  echo(ms: number | undefined): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "causeway_", eventLoopMonitoringPrecision: 100 });
  const registers = [registry];
  const messages = new Counter({
    name: "causeway_messages_total",
    help: "Events delivered, by network and direction (in = to Matrix)",
    labelNames: ["network", "direction", "kind"],
    registers,
  });
  const delay = new Histogram({
    name: "causeway_delay_seconds",
    help: "From arrival at the bridge to delivery",
    labelNames: ["network", "direction"],
    buckets: SECONDS,
    registers,
  });
  const missed = new Counter({ name: "causeway_missed_total", help: "Said while nobody heard it", labelNames: ["network"], registers });
  const parked = new Counter({
    name: "causeway_parked_total",
    help: "Events that could not be delivered and wait for a person",
    labelNames: ["network", "direction"],
    registers,
  });
  const echo = new Gauge({ name: "causeway_homeserver_echo_seconds", help: "Our own event's way back; -1 = it did not come", registers });
  gauges(registry, sources);
  return {
    registry,
    delivered({ network, direction, kind, since, now }) {
      messages.inc({ network, direction, kind });
      delay.observe({ network, direction }, Math.max(0, now - since) / 1000);
    },
    missed: (network, lines) => missed.inc({ network }, lines),
    parked: (network, direction) => parked.inc({ network, direction }),
    echo: (ms) => echo.set(ms === undefined ? -1 : ms / 1000),
  };
}

/** Asked for when someone looks, so that nobody has to keep them right. */
function gauges(registry: Registry, sources: MetricsSources): void {
  const registers = [registry];
  new Gauge({
    name: "causeway_journal_rows",
    help: "Rows of the journal",
    labelNames: ["state"],
    registers,
    async collect() {
      const { waiting, parked } = await sources.journal();
      this.set({ state: "waiting" }, waiting);
      this.set({ state: "parked" }, parked);
    },
  });
  new Gauge({
    name: "causeway_lanes",
    help: "Queues that have work, and those of them that are held up",
    labelNames: ["state"],
    registers,
    collect() {
      const { awake, held } = sources.lanes();
      this.set({ state: "awake" }, awake);
      this.set({ state: "held" }, held);
    },
  });
  new Gauge({
    name: "causeway_connections",
    help: "Logins, by network and state",
    labelNames: ["network", "state"],
    registers,
    collect() {
      this.reset();
      for (const { network, state } of sources.connections()) this.inc({ network, state });
    },
  });
}
