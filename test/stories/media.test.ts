import { FakeIrc, plain } from "../fakes/irc.ts";
import { startHomeserver } from "../fakes/homeserver.ts";
import { mediaStories } from "./media-stories.ts";

mediaStories("Files and pictures, outside of Matrix", {
  startHomeserver: (registration) => startHomeserver({ services: [registration] }),
  async startIrc() {
    const fake = await FakeIrc.start({ profile: plain });
    return { host: "127.0.0.1", port: fake.port, stop: () => fake.stop() };
  },
});
