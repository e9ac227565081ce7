/** Every kind of thing that Discord's own lists name, as Discord sends it, and what becomes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type APIChannel,
  ChannelType,
  ComponentType,
  EmbedType,
  GatewayDispatchEvents,
  MessageType,
  StickerFormatType,
} from "discord-api-types/v10";
import { type GatewayMessage, fromMessage } from "../../bridges/discord/from-discord.ts";
import { factsOf } from "../../bridges/discord/events.ts";
import { Guilds } from "../../bridges/discord/guilds.ts";
import { channelId } from "../../bridges/discord/ids.ts";
import type { View } from "../../bridges/discord/view.ts";
import type { RemoteMessage } from "../../core/model/events.ts";
import { toPlain } from "../../core/model/plain.ts";
import { type Fixture, fixtures } from "./fixtures.ts";
import { scene } from "./stage.ts";

const GUILD = "290926798626357999";
const CHANNEL = "290926798999357250";
const OTHER = "290926798999357251";
const NELLY = "80351110224678912";

const messages = fixtures<GatewayMessage>("messages");
const components = fixtures<GatewayMessage>("components");
const embeds = fixtures<GatewayMessage>("embeds");
const stickers = fixtures<GatewayMessage>("stickers");
const channels = fixtures<APIChannel>("channels");
const events = fixtures<{ t: string; d: unknown }>("events");

const view: View = {
  me: "159985870458322944",
  application: "159985870458322944",
  cdn: "https://cdn.discordapp.com",
  guild: GUILD,
  system: true,
  person: () => undefined,
  role: (id) => (id === "41771983423143936" ? "WE DEM BOYZZ!!!!!!" : undefined),
  channel: (id) => (id === CHANNEL ? "general" : undefined),
};

/** The members of one of the vendor's lists, numbers or words. */
function kindsOf(list: object): (number | string)[] {
  const values = Object.values(list) as (number | string)[];
  return values.some((value) => typeof value === "number") ? [...new Set(values.filter((value) => typeof value === "number"))] : values;
}

test("there is a fixture for every kind in the vendor's lists", () => {
  const lacking = (list: object, there: readonly (number | string | undefined)[]) => kindsOf(list).filter((kind) => !there.includes(kind));
  assert.deepEqual(
    lacking(
      MessageType,
      messages.map(({ payload }) => payload.type),
    ),
    [],
    "message types",
  );
  assert.deepEqual(
    lacking(
      ComponentType,
      components.map(({ component }) => component),
    ),
    [],
    "components",
  );
  assert.deepEqual(
    lacking(
      EmbedType,
      embeds.map(({ payload }) => payload.embeds[0]?.type),
    ),
    [],
    "embeds",
  );
  assert.deepEqual(
    lacking(
      StickerFormatType,
      stickers.map(({ format }) => format),
    ),
    [],
    "stickers",
  );
  assert.deepEqual(
    lacking(
      ChannelType,
      channels.map(({ payload }) => payload.type),
    ),
    [],
    "channels",
  );
  assert.deepEqual(
    lacking(
      GatewayDispatchEvents,
      events.map(({ payload }) => payload.t),
    ),
    [],
    "events",
  );
});

test("every fixture names the page of Discord's documentation that it follows", () => {
  for (const { name, page } of [...messages, ...components, ...embeds, ...stickers, ...channels, ...events]) {
    assert.match(page, /^https:\/\/discord\.com\/developers\/docs\/[\w/-]+(?:#[\w/-]+)?$/, name);
  }
});

function convert({ payload }: Fixture<GatewayMessage>) {
  return fromMessage(payload, view, { channel: channelId(CHANNEL) }, { via: "live", deliveryId: "s:1" });
}

for (const fixture of [...messages, ...components, ...embeds, ...stickers]) {
  test(`a message as in "${fixture.name}" is shown as people would expect`, () => {
    const made = convert(fixture);
    assert.deepEqual(JSON.parse(JSON.stringify(made)), made, "plain JSON");
    if (fixture.style === "none") return assert.deepEqual(made, []);
    const [event, ...others] = made as [RemoteMessage, ...typeof made];
    assert.equal(toPlain(event.body), fixture.shows);
    assert.deepEqual([event.style, event.note, event.replyTo?.message], [fixture.style, fixture.note, fixture.replies]);
    assert.deepEqual(
      (event.files ?? []).map(({ kind, name, spoiler }) => [kind, name, ...(spoiler ? ["spoiler"] : [])].join(" ")),
      fixture.files ?? [],
    );
    assert.deepEqual(event.poll ? [event.poll.question, ...event.poll.answers.map(({ text }) => text)] : [], fixture.poll ?? []);
    assert.deepEqual(
      others.map(({ kind }) => kind),
      fixture.also ?? [],
    );
    assert.ok(event.person?.name);
  });
}

for (const { name, payload, facts } of channels) {
  test(`a channel as in "${name}" has these facts`, () => {
    const guilds = new Guilds(undefined as never, undefined as never, () => "1");
    const everyone = { id: GUILD, name: "@everyone", permissions: 1024n, position: 0 };
    const guild = { id: GUILD, owner: "1", roles: new Map([[GUILD, everyone]]) };
    const place = guilds.put(payload, undefined);
    const known =
      place.guild === undefined
        ? undefined
        : { ...guild, name: "Keepers", icon: null, tier: 0, mine: [], emoji: new Map(), unavailable: false };
    const parent =
      "thread_metadata" in payload
        ? guilds.put({ ...payload, id: payload.parent_id, type: ChannelType.GuildText, permission_overwrites: [] } as never, GUILD)
        : undefined;
    assert.deepEqual({ ...factsOf(place, parent, known), ...facts }, factsOf(place, parent, known));
  });
}

test("every event is taken in, and core hears what it is to hear", async (t) => {
  const stage = await scene(t, ({ fake }) => {
    const guild = fake.guild("Lantern Keepers", { id: GUILD });
    for (const [id, name] of [
      [CHANNEL, "general"],
      [OTHER, "market"],
    ] as const)
      fake.channel(guild, name, { id });
    const user = fake.world.user("Nelly", { id: NELLY });
    guild.members.set(NELLY, {
      user,
      nick: null,
      avatar: null,
      roles: [],
      joined_at: fake.world.iso(),
      communication_disabled_until: null,
    });
  });
  const bridge = await stage.start({ links: [stage.channel, CHANNEL, OTHER], config: { membership: true, voice_notices: true } });
  const play = async ({ payload: { t: name, d }, after, heard = [] }: Fixture<{ t: string; d: unknown }>): Promise<string[]> => {
    const before = after === undefined ? undefined : events.find((one) => one.name === after);
    if (before) await play(before);
    const from = bridge.core.offered.length;
    const told = () => bridge.core.offered.slice(from).filter((event) => !JSON.stringify(event).includes("mark "));
    stage.fake.gateway.dispatch(name, d);
    await bridge.settled();
    await bridge.core.until(() => heard.every((kind) => told().some((event) => event.kind === kind)), `${name} to be heard`);
    return told().map(({ kind }) => kind);
  };
  // What deletes a channel comes last.
  const order = events.toSorted((a, b) => Number(a.name === "channel-delete") - Number(b.name === "channel-delete"));
  for (const fixture of order) {
    const heard = await play(fixture);
    assert.deepEqual(
      [...new Set(heard.filter((kind) => kind !== "channel-changed" || fixture.heard?.includes(kind)))],
      [...(fixture.heard ?? [])],
      fixture.name,
    );
  }
  assert.ok(!bridge.core.logged.some((line) => line.includes("could not be read")));
  assert.equal(bridge.core.states.at(-1)?.is, "connected");
});
