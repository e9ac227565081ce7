import { FakeIrc, inspircd } from "../fakes/irc.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { edgeStories } from "./edges-stories.ts";

edgeStories("The edges of a room", {
  startHomeserver: (registration) => startHomeserver({ services: [registration] }),
  async startIrc() {
    const fake = await FakeIrc.start({ profile: inspircd });
    return { host: "127.0.0.1", port: fake.port, stop: () => fake.stop() };
  },
});
