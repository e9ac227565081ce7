/** A channel of the pretended Discord. */
import { standing } from "../discord/harness.ts";
import type { FakeDiscord } from "../fakes/discord.ts";
import type { Person } from "../fakes/discord/people.ts";
import type { Shore, Trouble } from "./shore.ts";
import { countsOf } from "./slack-shore.ts";

export function discordShore(fake: FakeDiscord, channel: string, people: ReadonlyMap<string, Person>): Shore {
  const person = (name: string): Person => people.get(name) as Person;
  /** Where each message lies: a thread is a channel of its own. */
  const placeOf = (id: string): string => [...fake.world.messages].find(([, messages]) => messages.has(id))?.[0] ?? channel;
  return {
    side: "discord",
    people: [...people.keys()],
    async say(name, { text, replyTo, thread, file }) {
      const place = thread === undefined ? channel : person(name).thread(channel, thread);
      const files = file ? { files: [{ name: file.name, type: "text/plain", bytes: file.bytes }] } : {};
      return person(name).say(place, file ? "" : text, { ...(replyTo === undefined ? {} : { reply: replyTo }), ...files });
    },
    edit: async (name, id, text) => person(name).edit(placeOf(id), id, text),
    remove: async (name, id) => person(name).delete(placeOf(id), id),
    react: async (name, id, emoji, on) => person(name)[on ? "react" : "unreact"](placeOf(id), id, emoji),
    standing: () =>
      standing(fake, channel).map(({ id, name, text, files, reactions }) => ({
        id: id ?? "",
        by: people.has(name) ? name : undefined,
        text,
        files: files ?? [],
        reactions: countsOf((reactions ?? []).map(({ emoji }) => emoji)),
      })),
  };
}

const EFFECT =
  /^(?:POST \/(?:webhooks\/\d+\/[^/]+|channels\/\d+\/messages)$|(?:PATCH|DELETE) \/.*\/messages\/\d+|(?:PUT|DELETE) \/.*\/reactions\/)/;

export function discordTrouble({ http, gateway }: FakeDiscord): Trouble {
  return {
    trap: (held) => http.trap(EFFECT, held),
    down() {
      http.refusing = true;
      gateway.refusing = true;
      gateway.drop();
      http.server.closeAllConnections();
    },
    up() {
      http.refusing = false;
      gateway.refusing = false;
    },
  };
}
