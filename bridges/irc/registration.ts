/**
 * From an open socket to a registered connection (https://modern.ircdocs.horse/#connection-registration): capabilities, password, SASL,
 * a nick that is free. It ends by `done` or `failed`, whatever the server does or leaves undone; the time limit is the caller's.
 */
import { Caps, wantedCaps } from "./caps.ts";
import { type Ending, endingOf, readable } from "./endings.ts";
import { Isupport } from "./isupport.ts";
import { lastParam, type Line, param, writeLine } from "./line.ts";
import { nicksToTry } from "./nicks.ts";
import { type SaslCredentials, saslPieces, type SaslTalk, talkSasl } from "./sasl.ts";

export interface Identity {
  readonly nick: string;
  readonly user: string;
  readonly realName: string;
  readonly password?: string | undefined;
  readonly sasl?: SaslCredentials | undefined;
  /** https://ircv3.net/specs/extensions/webirc */
  readonly webirc?: { readonly password: string; readonly gateway: string; readonly host: string; readonly address: string } | undefined;
}

export interface RegistrationEvents {
  send(line: string): void;
  done(): void;
  failed(ending: Ending): void;
}

/** A server that says 433 to everything is not tried for ever. */
const MOST_NICKS = 24;
/** What servers commonly allow, the longest first; nine is the oldest rule (RFC 1459). */
const LONGEST_NICKS = [64, 32, 30, 20, 16, 9];
/** No server's challenge is longer. */
const LONGEST_CHALLENGE = 16_384;

export class Registration {
  readonly caps: Caps;
  readonly isupport = new Isupport();
  /** As the server last called us. */
  nick = "";
  /** The services account that we are logged in to, as the server tells. */
  account: string | undefined;
  /** The server program, from 004. */
  version = "";
  readonly #identity: Identity;
  readonly #events: RegistrationEvents;
  readonly #secure: boolean;
  #nicks: Generator<string>;
  #longest = LONGEST_NICKS[0] as number;
  #tried = 0;
  #sasl: { talk: SaslTalk; challenge: string } | undefined;
  #saslDone = false;
  #negotiated = false;
  #welcomed = false;
  #over = false;

  constructor(identity: Identity, secure: boolean, events: RegistrationEvents) {
    this.#identity = identity;
    this.#secure = secure;
    this.#events = events;
    this.#nicks = nicksToTry(identity.nick, this.#longest);
    this.caps = new Caps({ wanted: wantedCaps, send: (line) => events.send(line) });
  }

  get isDone(): boolean {
    return this.#over;
  }

  begin(): void {
    const { webirc, password, user, realName } = this.#identity;
    const { send } = this.#events;
    // An address that begins with a colon would be taken for the last parameter.
    if (webirc) send(writeLine("WEBIRC", [webirc.password, webirc.gateway, webirc.host, webirc.address.replace(/^:/, "0:")]));
    send("CAP LS 302");
    if (password) send(writeLine("PASS", [password]));
    this.#tryNick();
    send(writeLine("USER", [user, "0", "*", realName]));
  }

  /** Every line until `done`; the isupport and capability lines after it too. */
  take(line: Line): void {
    switch (line.command) {
      case "CAP":
        return this.#cap(line);
      case "AUTHENTICATE":
        return void this.#authenticate(param(line, 0));
      case "001":
        return this.#welcome(line);
      case "004":
        this.version = param(line, 2).slice(0, 64);
        return;
      case "005":
        return this.isupport.read(line.params);
      case "NICK":
        // Services may rename us before the greeting is over.
        if (this.#welcomed && line.nick.toLowerCase() === this.nick.toLowerCase() && param(line, 0) !== "") this.nick = param(line, 0);
        return;
      case "376":
      case "422":
        if (this.#welcomed) this.#finish();
        return;
      case "PONG":
        if (this.#welcomed && lastParam(line) === "causeway-welcome") this.#finish();
        return;
      case "900":
        this.account = param(line, 2);
        return;
      case "901":
        this.account = undefined;
        return;
      default:
        if (!this.#over) this.#trouble(line);
    }
  }

  #trouble(line: Line): void {
    switch (line.command) {
      case "903":
      case "907":
        this.#saslDone = true;
        return this.#endNegotiation();
      case "902":
      case "904":
      case "905":
      case "906":
        return this.#fail({ kind: "denied", why: `the server refused the account or its password (${readable(lastParam(line))})` });
      case "908":
        return this.#fail({
          kind: "shut-out",
          why: `the server offers other ways to sign in than the one that is set (${readable(param(line, 1))})`,
        });
      case "410":
      case "421":
        // A server from before capabilities.
        return /^(CAP|LS)$/i.test(param(line, 1)) ? this.#endNegotiation() : undefined;
      case "432":
        if (this.#welcomed) return;
        this.#shorten();
        return this.#tryNick(lastParam(line));
      case "433":
      case "436":
      case "437":
        return this.#welcomed ? undefined : this.#tryNick(lastParam(line));
      case "464":
        return this.#fail({ kind: "shut-out", why: "the server wants another password" });
      case "465":
      case "466":
        return this.#fail(shutOut(line));
      case "ERROR":
        return this.#fail(endingOf(lastParam(line)));
    }
  }

  /** How long a nick may be is told only after the greeting: some servers cut it, others refuse it. */
  #shorten(): void {
    const shorter = LONGEST_NICKS.find((length) => length < Math.min(this.#longest, this.#identity.nick.length));
    if (shorter === undefined) return;
    this.#longest = shorter;
    this.#nicks = nicksToTry(this.#identity.nick, shorter);
  }

  #tryNick(refusal = ""): void {
    this.#tried += 1;
    if (this.#tried > MOST_NICKS) {
      return this.#fail({ kind: "throttled", why: `the server refuses every nick that is tried (${readable(refusal)})` });
    }
    this.#events.send(writeLine("NICK", [this.#nicks.next().value as string]));
  }

  #cap(line: Line): void {
    this.caps.take(line);
    if (this.#over || this.#negotiated) return;
    const subcommand = param(line, 1).toUpperCase();
    if (subcommand === "LS" && this.caps.listed) {
      const secure = this.#wantsTls();
      if (secure) return this.#fail(secure);
      this.caps.requestAll();
      if (this.#identity.sasl && this.caps.offered.has("sasl")) this.caps.request(["sasl"]);
    }
    if (!this.caps.settled) return;
    if (this.#identity.sasl && this.caps.has("sasl") && !this.#saslDone) this.#beginSasl(this.#identity.sasl);
    else this.#endNegotiation();
  }

  #wantsTls(): Ending | undefined {
    const port = /(?:^|,)port=(\d{1,5})(?:,|$)/.exec(this.caps.offered.get("sts") ?? "")?.[1];
    if (this.#secure || port === undefined) return undefined;
    return { kind: "secure", port: Number(port), why: `the server wants TLS, on port ${port}` };
  }

  #beginSasl(credentials: SaslCredentials): void {
    if (this.#sasl) return;
    const offered = this.caps.offered.get("sasl") ?? "";
    const { mechanism } = credentials;
    if (offered !== "" && !offered.toUpperCase().split(",").includes(mechanism)) {
      return this.#fail({ kind: "shut-out", why: `the server does not offer SASL ${mechanism}, only ${readable(offered)}` });
    }
    this.#sasl = { talk: talkSasl(credentials), challenge: "" };
    this.#events.send(`AUTHENTICATE ${mechanism}`);
  }

  async #authenticate(piece: string): Promise<void> {
    const sasl = this.#sasl;
    if (!sasl || this.#over) return;
    sasl.challenge += piece === "+" ? "" : piece;
    if (sasl.challenge.length > LONGEST_CHALLENGE) return this.#fail({ kind: "lost", why: "the server's SASL challenge has no end" });
    // A full piece is followed by another.
    if (piece.length === 400) return;
    const challenge = Buffer.from(sasl.challenge, "base64");
    sasl.challenge = "";
    try {
      const answer = await sasl.talk(challenge);
      if (!this.#over) for (const part of saslPieces(answer)) this.#events.send(`AUTHENTICATE ${part}`);
    } catch (error) {
      this.#fail({ kind: "shut-out", why: `SASL was broken off: ${(error as Error).message}` });
    }
  }

  #endNegotiation(): void {
    if (this.#negotiated) return;
    this.#negotiated = true;
    if (this.#identity.sasl && !this.#saslDone) return this.#fail(noSasl);
    this.#events.send("CAP END");
  }

  #welcome(line: Line): void {
    if (this.#over) return;
    this.nick = param(line, 0);
    this.#welcomed = true;
    if (this.#identity.sasl && !this.#saslDone) return this.#fail(noSasl);
    // A server without a message of the day, or one that forgets to end it, still answers this.
    this.#events.send("PING :causeway-welcome");
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.done();
  }

  #fail(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.failed(ending);
  }
}

/** Signing in is what keeps a registered nick and lets us into guarded channels: going on as a guest would only look like success. */
const noSasl: Ending = { kind: "throttled", why: "the server does not offer to sign in (SASL) now, perhaps because its services are away" };

function shutOut(line: Line): Ending {
  const ending = endingOf(lastParam(line));
  return ending.kind === "lost" ? { kind: "shut-out", why: `the network has banned us (${readable(lastParam(line))})` } : ending;
}
