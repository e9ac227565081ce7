import { FakeIrc, inspircd } from "../fakes/irc.ts";
import type { Person } from "../fakes/irc/person.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { type CrowdNetwork, crowdStories } from "./crowd-stories.ts";

crowdStories("A crowd on IRC", {
  startHomeserver: (registration) => startHomeserver({ services: [registration] }),
  startIrc: network,
  crowd: 2_000,
  speed: 4,
});

async function network(): Promise<CrowdNetwork> {
  const fake = await FakeIrc.start({ profile: inspircd });
  const people = new Map<string, Person>();
  return {
    host: "127.0.0.1",
    port: fake.port,
    stop: () => fake.stop(),
    async gather(channel, nicks) {
      for (const nick of nicks) people.set(nick, fake.person(nick, { deaf: true }).join(channel));
    },
    say: (nick, channel, text) => void people.get(nick)?.say(channel, text),
    async split() {
      fake.split([...people.values()].filter(({ user }) => user.nick.startsWith("leaf")));
    },
    async heal(channel) {
      fake.rejoin(
        [...people.values()].filter(({ user }) => user.nick.startsWith("leaf")),
        channel,
      );
    },
  };
}
