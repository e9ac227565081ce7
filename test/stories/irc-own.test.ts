import { ergo, FakeIrc, inspircd, plain } from "../fakes/irc.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { ircOwnStories } from "./irc-own-stories.ts";

for (const [name, profile] of Object.entries({ plain, inspircd, ergo })) {
  ircOwnStories(`Matrix people on IRC as themselves (${name})`, {
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    startIrc: async () => {
      const fake = await FakeIrc.start({ profile });
      return { host: "127.0.0.1", port: fake.port, stop: () => fake.stop() };
    },
    speed: 5,
  });
}
