/** Capabilities and SASL, the server's side. */
import type { Client } from "./client.ts";
import type { Message } from "./message.ts";
import { type ScramServer, scramServer } from "./scram.ts";

export class Authentication {
  readonly #client: Client;
  #mechanism: string | undefined;
  #said = "";
  #scram: ScramServer | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  take({ command, params }: Message): void {
    if (command === "AUTHENTICATE") return this.#authenticate(params[0] ?? "");
    const [subcommand = "", names = ""] = [params[0]?.toUpperCase(), params[1]];
    if (subcommand === "LS") this.#list();
    else if (subcommand === "REQ") this.#request(names.split(" ").filter(Boolean));
  }

  #offered(): Record<string, string> {
    const { profile, faults, sts, isTls } = this.#client.server;
    const { sasl, ...caps } = profile.caps;
    return {
      ...caps,
      ...(sasl === undefined || faults.noSasl ? {} : { sasl }),
      ...(sts === undefined ? {} : { sts: isTls && this.#client.isSecure ? "duration=2592000" : `port=${sts}` }),
    };
  }

  /** In two lines, as servers with many capabilities do it. */
  #list(): void {
    const names = Object.entries(this.#offered()).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
    const half = Math.ceil(names.length / 2);
    if (names.length > 1) this.#client.reply("CAP", this.#client.user.nick, "LS", "*", names.slice(0, half).join(" "));
    this.#client.reply("CAP", this.#client.user.nick, "LS", names.slice(names.length > 1 ? half : 0).join(" "));
  }

  #request(names: readonly string[]): void {
    const offered = this.#offered();
    const refused =
      names.some((name) => !(name.replace(/^-/, "") in offered)) || (this.#client.server.faults.refuseCaps && names.length > 1);
    this.#client.reply("CAP", this.#client.user.nick, refused ? "NAK" : "ACK", names.join(" "));
    if (refused) return;
    for (const name of names) {
      if (name.startsWith("-")) this.#client.user.caps.delete(name.slice(1));
      else this.#client.user.caps.add(name);
    }
  }

  #authenticate(text: string): void {
    if (this.#mechanism === undefined) return this.#begin(text.toUpperCase());
    if (text === "*") return this.#fail("906", "SASL authentication aborted");
    this.#said += text === "+" ? "" : text;
    if (text.length === 400) return;
    const said = Buffer.from(this.#said, "base64");
    this.#said = "";
    this.#step(said);
  }

  #begin(mechanism: string): void {
    const offered = this.#client.server.profile.caps["sasl"]?.split(",") ?? [];
    if (!offered.includes(mechanism)) {
      this.#client.numeric("908", offered.join(","), "are available SASL mechanisms");
      return this.#fail("904", "SASL authentication failed");
    }
    this.#mechanism = mechanism;
    const { network, faults } = this.#client.server;
    if (mechanism === "SCRAM-SHA-256") this.#scram = scramServer(network.accounts, faults.scramLies);
    this.#client.reply("AUTHENTICATE", "+");
  }

  #step(said: Buffer): void {
    const { server } = this.#client;
    if (this.#mechanism === "PLAIN") {
      const [, account = "", password = ""] = said.toString().split("\0");
      return server.network.accounts.get(account) === password && password !== ""
        ? this.#succeed(account)
        : this.#fail("904", "SASL authentication failed");
    }
    if (this.#mechanism === "EXTERNAL") {
      const account = server.certificates.get(this.#client.fingerprint ?? "");
      return account === undefined ? this.#fail("904", "SASL authentication failed") : this.#succeed(account);
    }
    const challenge = this.#scram?.answer(said);
    if (challenge === undefined) return this.#fail("904", "SASL authentication failed");
    if (challenge.length === 0) return this.#succeed(this.#scram?.account() ?? "");
    const text = challenge.toString("base64");
    for (const piece of text.match(/.{1,400}/g) ?? []) this.#client.reply("AUTHENTICATE", piece);
    if (text.length % 400 === 0) this.#client.reply("AUTHENTICATE", "+");
  }

  #succeed(account: string): void {
    this.#mechanism = undefined;
    const { user } = this.#client;
    user.account = account;
    this.#client.numeric("900", user.mask, account, `You are now logged in as ${account}`);
    this.#client.numeric("903", "SASL authentication successful");
  }

  #fail(code: string, words: string): void {
    this.#mechanism = undefined;
    this.#said = "";
    this.#client.numeric(code, words);
  }
}
