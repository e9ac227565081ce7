/** The networks of the sandbox, in the order of the page. One that the bridge does not speak keeps its place. */
import { networks as spoken } from "../../bridges/index.ts";
import { ergo, FakeIrc } from "../fakes/irc.ts";
import { IrcSide } from "./irc-side.ts";
import type { ChannelLog, Side, SideId } from "./side.ts";

export type Changed = (side: SideId) => ConstructorParameters<typeof ChannelLog>[2];

export interface OpenNetwork {
  readonly id: SideId;
  readonly name: string;
  /** Absent = not here; `why` says so in a sentence. */
  readonly side?: Side;
  readonly why?: string;
  /** Its section of the bridge's config. */
  readonly config?: unknown;
  /** Its channel, as in the config's `links`. */
  readonly link?: string;
  stop(): Promise<void>;
}

export async function openNetworks(changed: Changed): Promise<readonly OpenNetwork[]> {
  const open = [
    { id: "irc", name: "IRC", start: openIrc },
    { id: "slack", name: "Slack", start: undefined },
    { id: "discord", name: "Discord", start: undefined },
  ] as const;
  return Promise.all(
    open.map(async ({ id, name, start }) =>
      start && spoken.some((one) => one.id === id)
        ? start(changed(id))
        : { id, name, why: `The bridge does not speak ${name} yet.`, stop: async () => undefined },
    ),
  );
}

async function openIrc(changed: ReturnType<Changed>): Promise<OpenNetwork> {
  const server = await FakeIrc.start({ profile: ergo });
  const channel = "#lanterns";
  const side = await IrcSide.open({ port: server.port, channel, people: ["anna", "ben"], bridge: "causeway", changed });
  return {
    id: "irc",
    name: "IRC",
    side,
    link: `lantern ${channel}`,
    config: {
      networks: {
        lantern: {
          name: "LanternNet",
          servers: [{ host: "127.0.0.1", port: server.port, tls: false }],
          // A network of one's own sets no pace that the bridge would have to keep.
          flood: { burst: 30, per_second: 20, most_per_second: 50 },
        },
      },
    },
    stop: () => server.stop(),
  };
}
