import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelSight, judge, type RoomFacts } from "../../core/visibility.ts";

const invited: RoomFacts = { joinRule: "invite", historyVisibility: "shared", encrypted: false, published: false };
const open: RoomFacts = { ...invited, joinRule: "public" };
const open_channel: ChannelSight = { network: "Discord", visibility: "public" };
const closed_channel: ChannelSight = { network: "Slack", visibility: "private" };
const verdict = (room: RoomFacts, channels: ChannelSight[], widen = false): string => {
  const judgement = judge({ room, channels: channels.map((channel) => ({ ...channel, widen })) });
  return judgement.ok ? "ok" : judgement.remedy;
};

test("a public channel may be read anywhere", () => {
  assert.equal(verdict(open, [open_channel]), "ok");
  assert.equal(verdict({ ...open, historyVisibility: "world_readable", published: true }, [open_channel]), "ok");
  assert.equal(verdict(invited, [open_channel]), "ok");
});

test("a private channel is read only where people are invited", () => {
  assert.equal(verdict(invited, [closed_channel]), "ok");
  assert.equal(verdict({ ...invited, joinRule: "knock" }, [closed_channel]), "ok");
  for (const joinRule of ["public", "restricted", "knock_restricted"]) {
    assert.equal(verdict({ ...invited, joinRule }, [closed_channel]), "invite-only", joinRule);
  }
  assert.deepEqual(judge({ room: open, channels: [closed_channel] }), {
    ok: false,
    why: "The Slack channel is private, and anyone may join this room.",
    remedy: "invite-only",
  });
});

test("a history that the world can read makes an invite-only room public", () => {
  assert.equal(verdict({ ...invited, historyVisibility: "world_readable" }, [closed_channel]), "invite-only");
});

test("a secret channel stands neither in an open room nor in the directory", () => {
  const secret: ChannelSight = { network: "IRC", visibility: "public", unlisted: true };
  assert.equal(verdict(open, [secret]), "invite-only");
  assert.equal(verdict({ ...invited, published: true }, [secret]), "invite-only");
  assert.equal(verdict(invited, [secret]), "ok");
});

test("an agreed widening lets a private channel into an open room", () => {
  assert.equal(verdict(open, [closed_channel], true), "ok");
  assert.equal(verdict(open, [closed_channel, open_channel], true), "ok");
});

test("with several channels in one room the narrower wins", () => {
  assert.deepEqual(judge({ room: invited, channels: [open_channel, closed_channel] }), {
    ok: false,
    why: "The Slack channel is private, and the Discord channel in the same room is public.",
    remedy: "pause",
  });
  assert.equal(verdict(invited, [closed_channel, { network: "Discord", visibility: "private" }]), "ok");
});

test("nothing is relayed from or into an encrypted room, agreed or not", () => {
  assert.equal(verdict({ ...invited, encrypted: true }, [open_channel], true), "pause");
  assert.equal(verdict({ ...invited, encrypted: true }, []), "pause");
});

test("what is not known counts as the worst", () => {
  assert.equal(verdict(invited, [{ network: "Slack" }]), "ok");
  assert.equal(verdict(open, [{ network: "Slack" }]), "invite-only");
  const { encrypted: _, ...unknown } = invited;
  assert.equal(verdict(unknown, [open_channel]), "pause");
  for (const field of ["joinRule", "historyVisibility", "published"] as const) {
    const { [field]: _gone, ...rest } = invited;
    assert.equal(verdict(rest, [closed_channel]), "invite-only", field);
  }
  assert.equal(verdict({ ...invited, joinRule: "org.example.new" }, [closed_channel]), "invite-only");
  assert.equal(verdict({ ...invited, historyVisibility: "org.example.new" }, [closed_channel]), "invite-only");
});
