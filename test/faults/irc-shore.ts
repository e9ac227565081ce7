/** A channel of the pretended IRC network, with history, labels and redaction as Ergo has them. */
import type { FakeIrc, Person } from "../fakes/irc.ts";
import type { Shore, Standing, Trouble } from "./shore.ts";

export function ircShore(fake: FakeIrc, channel: string, people: ReadonlyMap<string, Person>): Shore {
  const person = (name: string): Person => people.get(name) as Person;
  return {
    side: "irc",
    people: [...people.keys()],
    async say(name, { text, replyTo }) {
      const tags = replyTo === undefined ? {} : { "+draft/reply": replyTo };
      const lines = text.split("\n").flatMap(inLines);
      return lines.length > 1 ? person(name).saySeveral(channel, lines, tags).id : person(name).say(channel, text, tags).id;
    },
    remove: async (name, id) => person(name).redact(channel, id),
    react: async (name, id, emoji, on) => void person(name).react(channel, id, emoji, on ? "react" : "unreact"),
    standing: () =>
      fake.channel(channel).log.flatMap((entry): Standing[] => {
        if (entry.redacted || entry.command === "TAGMSG") return [];
        const text = people.has(entry.nick) ? entry.text : entry.text.replace(/^<[^>]*> /, "");
        const correction = !people.has(entry.nick) && /^(?:✎|\* )/.test(text);
        return [{ id: entry.id, by: people.has(entry.nick) ? entry.nick : undefined, text, correction, files: [], reactions: undefined }];
      }),
  };
}

/** What a client makes of a long line: several that the others join again. */
function inLines(text: string): { text: string; joined: boolean }[] {
  const parts = text.match(/.{1,300}(?: |$)/g) ?? [text];
  return parts.map((part, index) => ({ text: part, joined: index > 0 }));
}

export function ircTrouble(fake: FakeIrc): Trouble {
  return {
    trap(held) {
      fake.faults.held = held;
      return () => {
        if (fake.faults.held === held) fake.faults.held = undefined;
      };
    },
    down: () => fake.down(),
    up: () => fake.up(),
  };
}
