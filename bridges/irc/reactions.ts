/** Reactions of the past: the message, and right behind it who had reacted by the end of the stretch. */
import type { RemoteEvent, RemoteMessage, RemoteReact, RemoteReactionsAre } from "../../core/model/events.ts";
import type { RemoteMessageId, RemoteUserId } from "../../core/model/ids.ts";
import type { ReactionKey } from "../../core/model/message.ts";

/** Reactions to messages of the stretch are gathered behind their message; those to older ones stay where they stand. */
export function gatherReactions(events: readonly RemoteEvent[]): RemoteEvent[] {
  const messages = new Set<RemoteMessageId>(events.flatMap((event) => (event.kind === "message" ? [event.message] : [])));
  const about = new Map<RemoteMessageId, RemoteReact[]>();
  const rest = events.filter((event) => {
    if ((event.kind !== "react" && event.kind !== "unreact") || !messages.has(event.message)) return true;
    about.set(event.message, [...(about.get(event.message) ?? []), event]);
    return false;
  });
  return rest.flatMap((event): RemoteEvent[] => {
    const reacts = event.kind === "message" ? about.get(event.message) : undefined;
    return event.kind === "message" && reacts ? [event, standing(event, reacts)] : [event];
  });
}

function standing({ channel, at, via, message }: RemoteMessage, reacts: readonly RemoteReact[]): RemoteReactionsAre {
  const keys = new Map<string, { key: ReactionKey; people: Set<RemoteUserId> }>();
  // Our own stand for people on Matrix, who have theirs there.
  for (const { kind, key, sender, echo } of reacts) {
    const name = key.kind === "unicode" ? key.text : `:${key.name}:`;
    const known = keys.get(name) ?? { key, people: new Set() };
    keys.set(name, known);
    if (kind === "unreact") known.people.delete(sender);
    else if (!echo) known.people.add(sender);
  }
  const reactions = [...keys.values()].filter(({ people }) => people.size > 0).map(({ key, people }) => ({ key, people: [...people] }));
  return { kind: "reactions-are", channel, at, via, message, reactions };
}
