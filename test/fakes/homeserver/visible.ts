/** Who may see which event. https://spec.matrix.org/v1.15/client-server-api/#room-history-visibility */
import { forbidden } from "./refusal.ts";
import type { Room } from "./room.ts";
import type { StoredEvent } from "./types.ts";

export function canSee(room: Room, user: string, event: StoredEvent): boolean {
  if (event.type === "m.room.member" && event.state_key === user) return true;
  if (event.visibility === "world_readable") return true;
  const membership = room.membershipAt(user, event.place);
  if (membership === "join") return true;
  switch (event.visibility) {
    case "joined":
      return false;
    case "invited":
      return membership === "invite";
    default:
      return joinedAfter(room, user, event.place);
  }
}

function joinedAfter(room: Room, user: string, place: number): boolean {
  return room.memberships.get(user)?.some(({ from, is }) => is === "join" && from > place) ?? false;
}

/** May the user look into the room at all? People who have left see what there was until then. */
export function requireMember(room: Room, user: string): void {
  const spans = room.memberships.get(user);
  if (spans?.some(({ is }) => is === "join")) return;
  if (room.content("m.room.history_visibility")?.["history_visibility"] === "world_readable") return;
  throw forbidden(`User ${user} not in room ${room.id}, and room previews are disabled`);
}

/** The place up to which state is shown: now for those who are in, the moment of leaving for those who were. */
export function stateSeenBy(room: Room, user: string): readonly StoredEvent[] {
  requireMember(room, user);
  if (room.membership(user) === "join") return [...room.state.values()];
  const left = room.memberships.get(user)?.findLast(({ is }) => is !== "join");
  return left === undefined ? [...room.state.values()] : room.stateBefore(left.from + 1);
}
