/**
 * SASL's side of the client (https://ircv3.net/specs/extensions/sasl-3.2): PLAIN, EXTERNAL and SCRAM-SHA-256 (RFC 5802, RFC 7677).
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export type SaslMechanism = "PLAIN" | "EXTERNAL" | "SCRAM-SHA-256";

export interface SaslCredentials {
  readonly mechanism: SaslMechanism;
  /** For EXTERNAL the account may be left to the certificate. */
  readonly account: string;
  readonly password: string;
}

/** Answers the server's challenges, one after the other. Rejects when the server cannot be the one that knows the password. */
export type SaslTalk = (challenge: Buffer) => Promise<Buffer>;

const stretch = promisify(pbkdf2);
/** More rounds than any service asks for: a hostile one could keep the process busy. */
const MOST_ROUNDS = 1_000_000;

/** `nonce` is for tests alone. */
export function talkSasl({ mechanism, account, password }: SaslCredentials, nonce = randomBytes(18).toString("base64")): SaslTalk {
  switch (mechanism) {
    case "PLAIN":
      return async () => Buffer.from(`${account}\0${account}\0${password}`);
    case "EXTERNAL":
      return async () => Buffer.from(account);
    case "SCRAM-SHA-256":
      return scram(account, password.normalize("NFKC"), nonce);
  }
}

function scram(account: string, password: string, nonce: string): SaslTalk {
  const first = `n=${account.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  let step = 0;
  let signature: Buffer | undefined;
  return async (challenge) => {
    step += 1;
    if (step === 1) return Buffer.from(`n,,${first}`);
    if (step === 2) {
      const proof = await prove(first, challenge.toString(), nonce, password);
      signature = proof.signature;
      return Buffer.from(proof.answer);
    }
    const shown = Buffer.from(/^v=([^,]+)/.exec(challenge.toString())?.[1] ?? "", "base64");
    if (!signature || shown.length !== signature.length || !timingSafeEqual(shown, signature)) {
      throw new Error("the server could not show that it knows the password");
    }
    return Buffer.alloc(0);
  };
}

async function prove(first: string, challenge: string, nonce: string, password: string): Promise<{ answer: string; signature: Buffer }> {
  const [, serverNonce = "", salt = "", rounds = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(challenge) ?? [];
  const count = Number(rounds);
  if (!serverNonce.startsWith(nonce) || serverNonce === nonce || !(count >= 1 && count <= MOST_ROUNDS)) {
    throw new Error("the server's SCRAM challenge makes no sense");
  }
  const salted = await stretch(password, Buffer.from(salt, "base64"), count, 32, "sha256");
  const clientKey = hmac(salted, "Client Key");
  const last = `c=biws,r=${serverNonce}`;
  const signed = `${first},${challenge},${last}`;
  const clientSignature = hmac(createHash("sha256").update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (clientSignature[index] as number)));
  return { answer: `${last},p=${proof.toString("base64")}`, signature: hmac(hmac(salted, "Server Key"), signed) };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** What goes out as AUTHENTICATE parameters: base64 in pieces of 400, the last of them shorter. */
export function saslPieces(answer: Buffer): string[] {
  const text = answer.toString("base64");
  const pieces = text.match(/.{1,400}/g) ?? [];
  return text.length % 400 === 0 ? [...pieces, "+"] : pieces;
}
