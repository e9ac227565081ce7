/** Servers that the fake can be: what each offers and how it takes what it does not like. */
export interface Profile {
  readonly name: string;
  readonly caps: Readonly<Record<string, string>>;
  readonly isupport: readonly string[];
  readonly caseMapping: "ascii" | "rfc1459";
  /** What happens to a line over 512 bytes. */
  readonly longLines: "cut" | "refuse" | "disconnect";
  readonly msgids: boolean;
  /** Messages that one history request gives. */
  readonly history?: number;
  readonly version: string;
}

const common = [
  "CHANTYPES=#&",
  "CHANMODES=beI,k,l,imnpstrRzC",
  "MODES=4",
  "NICKLEN=30",
  "CHANNELLEN=64",
  "TOPICLEN=390",
  "KICKLEN=300",
  "NETWORK=FakeNet",
  "STATUSMSG=~&@%+",
];
const ranks = "PREFIX=(qaohv)~&@%+";

/** As ngIRCd: nothing but ranks together in a list of names. */
export const plain: Profile = {
  name: "plain",
  caps: { "multi-prefix": "" },
  isupport: [...common.filter((token) => !token.startsWith("STATUSMSG")), ranks, "CASEMAPPING=ascii"],
  caseMapping: "ascii",
  longLines: "disconnect",
  msgids: false,
  version: "ngircd-26.1",
};

/** As InspIRCd 3 with its IRCv3 modules. */
export const inspircd: Profile = {
  name: "inspircd",
  caps: {
    "account-notify": "",
    "account-tag": "",
    "away-notify": "",
    batch: "",
    "cap-notify": "",
    chghost: "",
    "echo-message": "",
    "extended-join": "",
    "invite-notify": "",
    "labeled-response": "",
    "message-tags": "",
    "multi-prefix": "",
    "server-time": "",
    setname: "",
    "userhost-in-names": "",
    sasl: "PLAIN,EXTERNAL",
  },
  isupport: [...common, ranks, "CASEMAPPING=rfc1459", "WHOX", "MONITOR=30", "BOT=B"],
  caseMapping: "rfc1459",
  longLines: "cut",
  msgids: true,
  version: "InspIRCd-3",
};

/** As Ergo: history, multiline messages, redaction. */
export const ergo: Profile = {
  name: "ergo",
  caps: {
    ...inspircd.caps,
    sasl: "PLAIN,EXTERNAL,SCRAM-SHA-256",
    "draft/chathistory": "",
    "draft/event-playback": "",
    "draft/message-redaction": "",
    "draft/multiline": "max-bytes=4096,max-lines=100",
    "draft/read-marker": "",
    "draft/relaymsg": "/",
    "standard-replies": "",
  },
  isupport: [
    ...common,
    ranks,
    "CASEMAPPING=ascii",
    "WHOX",
    "MONITOR=100",
    "BOT=B",
    "CHATHISTORY=50",
    "MSGREFTYPES=timestamp,msgid",
    "UTF8ONLY",
    "EXTBAN=,m",
    "ACCOUNTEXTBAN=a",
  ],
  caseMapping: "ascii",
  longLines: "refuse",
  msgids: true,
  history: 50,
  version: "ergo-2.15",
};
