import { FakeIrc, ergo, inspircd, plain } from "../fakes/irc.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { ircStories } from "./irc-stories.ts";

for (const [name, profile] of Object.entries({ plain, inspircd, ergo })) {
  ircStories(`A room and IRC (${name})`, {
    startHomeserver: (registration) => startHomeserver({ services: [registration] }),
    startIrc: () => started(profile),
    startOther: () => started(plain),
    speed: 5,
  });
}

async function started(profile: typeof plain) {
  const fake = await FakeIrc.start({ profile });
  return { host: "127.0.0.1", port: fake.port, stop: () => fake.stop() };
}
