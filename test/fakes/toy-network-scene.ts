/** The toy network put to the proof: people on it, what they see, and its faults. */
import {
  loginId,
  type RemoteChannelId,
  remoteChannelId,
  type RemoteMessageId,
  remoteMessageId,
  remoteThreadId,
  remoteUserId,
} from "../../core/model/ids.ts";
import { mentions } from "../../core/model/walk.ts";
import { toPlain } from "../../core/model/plain.ts";
import type { Harness, Scene, Someone, Standing, Where } from "../conformance/harness.ts";
import { plainText } from "../../core/model/richtext.ts";
import { lengthOf, type ToyWire, userOf } from "./toy-network-convert.ts";
import { join, PAGE } from "./toy-network-deeds.ts";
import { serve, type ToyConfig, toyNetwork } from "./toy-network.ts";
import { ToyService } from "./toy-network-service.ts";
import type { ToyAccount, ToyMessage } from "./toy-network-wire.ts";

const REALM = "town";

export const toyHarness: Harness<ToyConfig> = {
  network: toyNetwork,
  samples: {
    people: ["town/u1", "town/U1", "town/+ä ö:ü", "town/=2f", "town/_", "town/a/b", "village/u1"].map(remoteUserId),
    channels: ["town/plaza", "town/#plaza", "town/Plaza", "village/plaza", "town/a b:c"].map(remoteChannelId),
    written: [
      [["town", "plaza"], remoteChannelId("town/plaza")],
      [["town/plaza"], remoteChannelId("town/plaza")],
    ],
    nonsense: [["plaza"], ["town", "plaza", "now"]],
  },
  measure: (part) => lengthOf((part.wire as ToyWire).body),
  keyed: false,
  page: PAGE,
  open: async () => openScene(new ToyService()),
};

/** The scene of a service, which the test may change in ways that no person on a network can. */
export function openScene(service: ToyService): Scene<ToyConfig> {
  const [alice, bob, steward, mira] = ["Alice", "Bob", "Steward", "mira_l"].map((name) => service.addAccount(name)) as [
    ToyAccount,
    ToyAccount,
    ToyAccount,
    ToyAccount,
  ];
  const [channel, other] = [remoteChannelId(`${REALM}/plaza`), remoteChannelId(`${REALM}/market`)];
  for (const id of [channel, other]) service.addChannel(id, [alice, bob, steward, mira]);
  const config = { realm: REALM, address: serve(service), token: steward.token };
  const [login] = toyNetwork.logins(config);
  if (!login) throw new Error("the toy network has a shared login");
  return {
    config,
    login,
    own: { id: loginId(`${REALM}:mira`), name: "Mira in town", owner: "@mira:example.org", secrets: { token: mira.token } },
    channel,
    other,
    alice: someone(service, alice, channel),
    bob: someone(service, bob, channel),
    secrets: [alice, bob, steward, mira].map(({ token }) => token),
    standing: async (id) => (service.channels.get(id)?.messages ?? []).map((message) => standing(service, message)),
    shown: async (id) => service.channels.get(id) ?? {},
    answers: async () => service.answers.map(({ text }) => text),
    typing: async (id) => service.typists.flatMap((typist) => (typist.channel === id ? [typist.account] : [])),
    faults: faults(service, steward, channel),
    close: async () => service.cut(),
  };
}

function faults(service: ToyService, { id }: ToyAccount, channel: RemoteChannelId): Scene["faults"] {
  return {
    loseReply: async () => void (service.loseReplyOnce = true),
    loseSend: async () => void (service.loseSendOnce = true),
    cut: async () => service.cut(),
    down: async () => {
      service.isDown = true;
      service.cut();
    },
    up: async () => void (service.isDown = false),
    forget: async () => service.forget(id),
    limit: async (seconds) => void (service.limitOnce = { channel, seconds }),
    slow: async (ms) => void (service.slowness = ms),
    hang: async () => void (service.hangs = true),
    revoke: async () => service.revoke(id),
    redeliver: async () => service.redeliver(id),
    mute: async () => void service.muted.add(`${id} ${channel}`),
  };
}

function someone(service: ToyService, account: ToyAccount, home: RemoteChannelId): Someone {
  const does = async (method: string, parameters: Record<string, unknown> = {}): Promise<unknown> => {
    const answer = service.perform(account.id, "toy-client", method, { channel: home, ...parameters });
    if (!answer.ok) throw new Error(`${account.name} cannot ${method}: ${answer.code}`);
    return answer.value;
  };
  const post = async (text: string, { channel = home, replyTo, threadOf }: Where, file?: string): Promise<RemoteMessageId> => {
    const place = { ...(replyTo !== undefined && { replyTo }), ...(threadOf !== undefined && { threadOf }) };
    const made = await does("post", {
      channel,
      post: { style: "text", body: plainText(text), ...place, ...(file !== undefined && { file }) },
    });
    return remoteMessageId((made as { id: string }).id);
  };
  return {
    id: userOf(REALM, account.id),
    name: account.name,
    say: (text, where = {}) => post(text, where),
    edit: async (id, text) => void (await does("edit", { id, post: { style: "text", body: plainText(text) } })),
    delete: async (id) => void (await does("delete", { id })),
    react: async (id, emoji) => void (await does("react", { id, emoji })),
    unreact: async (id, emoji) => void (await does("unreact", { id, emoji })),
    upload: async ({ name, mimetype, bytes }, text = "") => {
      const answer = await service.upload(account.token, { name, mimetype, kind: "file" }, Buffer.from(bytes));
      return post(text, {}, answer.ok ? String(answer.value) : undefined);
    },
    pin: async (id) => void (await does("pin", { id })),
    topic: async (topic) => void (await does("channel", { topic })),
    rename: async (name) => service.rename(account.id, name),
    type: async () => void (await does("type")),
    leave: async () => void (await does("leave")),
    join: async () => {
      const channel = service.channels.get(home);
      if (channel) join({ service, channel, account: account.id, client: "toy-client", parameters: {} }, account.id);
    },
    command: async (words) => void (await does("command", { words })),
  };
}

function standing(service: ToyService, message: ToyMessage): Standing {
  const pings = mentions(message.body).map(({ target }) => target);
  return {
    id: remoteMessageId(message.id),
    name: service.accounts.get(message.account)?.name ?? "",
    text: message.poll?.question ?? toPlain(message.body),
    edited: message.version > 0,
    ...(message.replyTo !== undefined && { replyTo: remoteMessageId(message.replyTo) }),
    ...(message.thread && { thread: remoteThreadId(message.thread.id) }),
    files: message.file ? [{ name: message.file.name, size: message.file.size }] : [],
    reactions: message.reactions.map(({ emoji, by }) => ({ emoji, by })),
    pinned: message.pinned,
    poll: message.poll !== undefined,
    rangEveryone: pings.some(({ kind }) => kind === "everyone" || kind === "here"),
    rang: pings.flatMap((target) => (target.kind === "person" && target.remote !== undefined ? [target.remote] : [])),
  };
}
