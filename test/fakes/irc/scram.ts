/** SCRAM-SHA-256 as a server does it (RFC 5802). */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export interface ScramServer {
  /** The next challenge; undefined = refused; an empty one after the last = the client may go on. */
  answer(said: Buffer): Buffer | undefined;
  account(): string | undefined;
}

/** `lie` makes the server show a wrong signature, as one would that does not know the password. */
export function scramServer(passwords: ReadonlyMap<string, string>, lie = false): ScramServer {
  const salt = randomBytes(12);
  const rounds = 4096;
  let [step, first, nonce, challenge, account] = [0, "", "", "", undefined as string | undefined];
  return {
    account: () => account,
    answer(said) {
      step += 1;
      if (step === 1) {
        first = said.toString().replace(/^n,,/, "");
        nonce = `${/r=([^,]+)/.exec(first)?.[1]}${randomBytes(9).toString("base64")}`;
        challenge = `r=${nonce},s=${salt.toString("base64")},i=${rounds}`;
        return Buffer.from(challenge);
      }
      if (step > 2) return Buffer.alloc(0);
      const name = (/n=([^,]+)/.exec(first)?.[1] ?? "").replaceAll("=2C", ",").replaceAll("=3D", "=");
      const salted = pbkdf2Sync(passwords.get(name) ?? randomBytes(8).toString("hex"), salt, rounds, 32, "sha256");
      const storedKey = createHash("sha256").update(hmac(salted, "Client Key")).digest();
      const [, last = "", proof = ""] = /^(.*),p=(.*)$/.exec(said.toString()) ?? [];
      const signed = `${first},${challenge},${last}`;
      const signature = hmac(storedKey, signed);
      const key = Buffer.from(Buffer.from(proof, "base64").map((byte, index) => byte ^ (signature[index] ?? 0)));
      if (!last.includes(`r=${nonce}`) || !timingSafeEqual(createHash("sha256").update(key).digest(), storedKey)) return undefined;
      account = name;
      return Buffer.from(`v=${lie ? randomBytes(32).toString("base64") : hmac(hmac(salted, "Server Key"), signed).toString("base64")}`);
    },
  };
}
