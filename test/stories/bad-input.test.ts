/** Rubbish from either side: each gets a clear answer or is parked with a reason, the bridge stays up, and nothing else is delayed. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { BOT, openTown, type Town, until } from "./town.ts";

interface Line {
  readonly msg: string;
  readonly level: number;
  readonly event?: string;
  readonly room?: string;
}

describe("Bad input", () => {
  let town: Town;
  const lines: Line[] = [];
  before(async () => {
    town = await openTown({ permissions: { "*": "admin" }, log: (line) => void lines.push(line as unknown as Line) });
  });
  after(() => town.close());

  const eventId = () => `$${randomUUID()}`;
  const event = (more: Record<string, unknown> = {}) => ({
    type: "m.room.message",
    event_id: eventId(),
    room_id: town.room.id,
    sender: town.ann.id,
    origin_server_ts: Date.now(),
    content: { msgtype: "m.text", body: "a body" },
    ...more,
  });
  const saying = (body: unknown, more: Record<string, unknown> = {}) => event({ content: { msgtype: "m.text", body, ...more } });
  const push = async (...events: unknown[]) => (await town.pushed(JSON.stringify({ events }))).status;

  /** Nothing else is delayed, and nothing of what came before has crossed. */
  async function goesOn(): Promise<void> {
    const words = `well ${randomUUID()}`;
    const [out, back] = [`out ${words}`, `back ${words}`];
    await town.room.say(out);
    await town.toy.alice.say(back);
    await town.seen((all) => [out, back].every((text) => all.some((one) => one.text === text)), "what is said after it");
    await town.room.find({ body: back });
    assert.equal(await town.asked("/users/@nobody:test.local"), 404);
  }

  test("a wrong token: 403, and nothing of it is read", async () => {
    const before = lines.length;
    assert.deepEqual(
      await town.pushed(JSON.stringify({ events: [saying("forged")] }), { token: "wrong" }).then((one) => [one.status, one.errcode]),
      [403, "M_FORBIDDEN"],
    );
    assert.deepEqual(await town.pushed("{ no json", { token: "wrong" }).then((one) => one.status), 403);
    await goesOn();
    assert.ok(!(await town.texts()).includes("forged"));
    assert.ok(!lines.slice(before).some((line) => JSON.stringify(line).includes("wrong")));
  });

  test("broken JSON, JSON of another shape, and invalid UTF-8 are answered as such", async () => {
    const answers = [];
    for (const body of ["", "{ no json", "[]", "null", '"text"', '{"events": {}}', '{"events": "none"}']) {
      answers.push(await town.pushed(body).then(({ status, errcode }) => `${status} ${errcode}`));
    }
    assert.deepEqual(answers, [
      "400 M_NOT_JSON",
      "400 M_NOT_JSON",
      "400 M_BAD_JSON",
      "400 M_BAD_JSON",
      "400 M_BAD_JSON",
      "400 M_BAD_JSON",
      "400 M_BAD_JSON",
    ]);
    const bytes = Buffer.from(JSON.stringify({ events: [saying("cut \u0000 here")] }).replace("\\u0000", "\u0001"), "latin1");
    bytes[bytes.indexOf(1)] = 0xff;
    assert.equal((await town.pushed(bytes)).status, 200);
    await town.seen((all) => all.some((one) => one.text === "cut \ufffd here"), "the message with a sign for what was no text");
    await goesOn();
  });

  test("events that are none are left out, and the log names them; the good ones beside them cross", async () => {
    const [first, second] = [eventId(), eventId()];
    const { sender: _sender, ...without } = event({ event_id: first });
    const rubbish = [
      without,
      event({ event_id: second, sender: 7 }),
      event({ event_id: "$with\nline" }),
      event({ room_id: "!with\nline" }),
      event({ sender: "@with\nline:test.local" }),
      event({ content: "text" }),
      event({ content: null }),
      event({ origin_server_ts: "now" }),
      event({ type: "m".repeat(300) }),
      event({ state_key: {} }),
      null,
      7,
      [],
    ];
    const at = lines.length;
    assert.equal(await push(...rubbish, saying("beside them")), 200);
    await town.seen((all) => all.some((one) => one.text === "beside them"), "the good one");
    await goesOn();
    const told = lines.slice(at).filter((line) => line.msg.startsWith("Left out an event that is none"));
    assert.equal(told.length, rubbish.length);
    assert.deepEqual([told[0]?.event, told[0]?.room, told[1]?.event], [first, town.room.id, second]);
    assert.ok(!told.some((line) => JSON.stringify(line).includes("\\n")));
  });

  test("messages with parts of another type stand as what can be told of them, or nowhere", async () => {
    const odd = [
      saying(7),
      saying(null),
      saying({ body: "nested" }),
      event({ content: {} }),
      event({ content: { msgtype: 7, body: [] } }),
      event({ content: { msgtype: "m.image", body: "p.png", url: 7, info: "big" } }),
      event({ content: { msgtype: "m.file", body: "f", url: "http://not-mxc.example/x" } }),
      saying("x", { format: "org.matrix.custom.html", formatted_body: 7 }),
      saying("x", { "m.relates_to": "text", "m.mentions": [] }),
      saying("x", { "m.relates_to": { rel_type: 7, event_id: {}, "m.in_reply_to": [] } }),
      saying("x", { "m.relates_to": { rel_type: "m.replace", event_id: 7 }, "m.new_content": "text" }),
      event({ type: "m.reaction", content: { "m.relates_to": [] } }),
      event({ type: "m.reaction", content: { "m.relates_to": { rel_type: "m.annotation", event_id: 7, key: {} } } }),
      event({ type: "m.room.redaction", redacts: 7, content: { redacts: [] } }),
      event({ type: "m.poll.start", content: { "m.poll": { answers: "none", question: 7 } } }),
      event({ type: "m.poll.response", content: { "m.selections": 7, "m.relates_to": null } }),
      event({ type: "m.poll.end", content: { "m.relates_to": 7 } }),
      event({ type: "m.sticker", content: { body: {}, url: [] } }),
    ];
    for (const one of odd) assert.equal(await push(one), 200);
    await goesOn();
  });

  test("state of a foreign shape changes nothing", async () => {
    const foreign: [string, string, Record<string, unknown>][] = [
      ["m.room.power_levels", "", { users: "all", events: 7, state_default: "no" }],
      ["m.room.join_rules", "", { join_rule: { public: true } }],
      ["m.room.history_visibility", "", { history_visibility: [] }],
      ["m.room.canonical_alias", "", { alias: 7, alt_aliases: "x" }],
      ["m.room.pinned_events", "", { pinned: "everything" }],
      ["m.room.topic", "", { topic: { text: 7 } }],
      ["m.room.name", "", { name: [] }],
      ["m.room.member", town.ann.id, { membership: 7, displayname: {}, avatar_url: [] }],
      ["m.room.member", "no mxid at all", { membership: "join" }],
      ["m.room.tombstone", "", { replacement_room: 7 }],
      ["m.space.child", "x", { via: 7 }],
      ["uk.half-shot.bridge", "x", { bridgebot: [] }],
    ];
    for (const [type, state_key, content] of foreign) assert.equal(await push(event({ type, state_key, content })), 200);
    await goesOn();
  });

  test("60 KB of nested tags are read in no time, and their text crosses", async () => {
    const deep = `${"<b>".repeat(8_500)}core of the nest${"</b>".repeat(8_500)}`;
    const at = Date.now();
    await push(saying("fallback", { format: "org.matrix.custom.html", formatted_body: deep }));
    await town.seen((all) => all.some((one) => /core of the nest|fallback/.test(one.text)), "the text");
    assert.ok(Date.now() - at < 2_000);
    const nested = `{"a":`.repeat(30_000) + "1" + "}".repeat(30_000);
    assert.equal((await town.pushed(`{"events": [${nested}]}`)).status, 200);
    assert.equal((await town.pushed(`{"events": [${"[".repeat(30_000)}${"]".repeat(30_000)}]}`)).status, 200);
    await goesOn();
  });

  test("a text of a megabyte, which no event may hold, is refused with a sentence", async () => {
    const id = eventId();
    assert.equal(await push(event({ event_id: id, content: { msgtype: "m.text", body: "word ".repeat(200_000) } })), 200);
    const told = await town.room.find((one) => one.sender === BOT && one.content["io.causeway.about"] === id);
    assert.match(String(told.content["body"]), /did not reach Toy: .*long/);
    await goesOn();
  });

  test("a forged mark counts as none: the message crosses like any other", async () => {
    await town.toy.alice.say("marked by us");
    const marked = await town.room.find({ body: "marked by us" });
    const mark = marked.content["io.causeway.origin"] as Record<string, unknown>;
    const forgeries = [
      mark,
      { ...mark, mac: "AAAA" },
      { ...mark, link: "1" },
      { ...mark, mac: 7 },
      { link: 1, remote: "x", part: 0 },
      "mark",
      [],
      null,
    ];
    for (const [index, forged] of forgeries.entries()) await push(saying(`forged ${index}`, { "io.causeway.origin": forged }));
    await town.seen((all) => forgeries.every((_, index) => all.some((one) => one.text === `forged ${index}`)), "all of them");
    await goesOn();
  });

  test("a transaction repeated under another id, or under its own, crosses once", async () => {
    const body = JSON.stringify({ events: [saying("once only")] });
    for (const txn of ["1", "1", "2", "3"]) assert.equal((await town.pushed(body, { txn })).status, 200);
    await goesOn();
    assert.equal((await town.texts()).filter((text) => text === "once only").length, 1);
  });

  test("people and messages of the network with line breaks, overrides and endless names harm nobody", async () => {
    const { service } = town;
    const names = ["\u202eevil\u202c", "two\nlines", "nul\u0000l", "x".repeat(5_000), "\ud800", "   ", "@room", "</b><script>"];
    for (const name of names) {
      const { id } = service.addAccount(name);
      service.channels.get("town/plaza")?.members.add(id);
      service.perform(id, "client", "post", {
        channel: "town/plaza",
        post: { style: "text", body: [{ type: "paragraph", content: [{ type: "text", text: `said by ${id}` }] }] },
      });
      const said = await town.room.find({ body: `said by ${id}` });
      const shown = String((await town.room.state("m.room.member", said.sender))["displayname"]);
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
      assert.ok(shown.trim() !== "" && [...shown].length <= 100, name);
    }
    await goesOn();
  });

  test("after all of it the bridge still runs, and nothing waits", async () => {
    await until(async () => {
      await town.room.say("!causeway status");
      const answers = (await town.room.timeline()).filter(
        (one) => one.sender === BOT && /waiting to come in/.test(String(one.content["body"])),
      );
      return /0 waiting to come in, 0 to go out/.test(String(answers.at(-1)?.content["body"]));
    }, "nothing waits");
    assert.ok(!lines.some((line) => line.level >= 60));
  });
});
