import { startHomeserver } from "../fakes/homeserver.ts";
import { ergo, FakeIrc, plain } from "../fakes/irc.ts";
import { killStory } from "./kills.ts";

const fakeHomeserver = (registration: string) => startHomeserver({ services: [registration] });

async function fakeIrc(profile: typeof plain) {
  const fake = await FakeIrc.start({ profile });
  return { host: "127.0.0.1", port: fake.port, stop: () => fake.stop() };
}

killStory("Killed on a server with history", {
  startHomeserver: fakeHomeserver,
  startIrc: () => fakeIrc(ergo),
  history: true,
  kills: 5,
  seed: 1,
  together: 2,
});

killStory("Killed on a plain server", {
  startHomeserver: fakeHomeserver,
  startIrc: () => fakeIrc(plain),
  history: false,
  kills: 5,
  seed: 2,
  together: 2,
});
