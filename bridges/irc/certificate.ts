/** A client certificate of one's own, signed by itself: services know people by its fingerprint (CertFP). X.509 v3, ECDSA on P-256. */
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";

export interface ClientCertificate {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** Hexadecimal, as services want to be told. */
  readonly sha256: string;
  readonly sha512: string;
}

const DAY = 24 * 60 * 60_000;
const YEARS = 20 * 365 * DAY;

/** `name` stands in it as its common name. */
export function makeCertificate(name: string, now: number): ClientCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const subject = sequence(set(sequence(oid("2.5.4.3"), der(0x0c, Buffer.from(name.slice(0, 64))))));
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(positive(randomBytes(16))),
    algorithm,
    subject,
    sequence(time(now - DAY), time(now + YEARS)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", body, privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const certificate = new X509Certificate(whole).toString();
  return {
    certificate,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    sha256: createHash("sha256").update(whole).digest("hex"),
    sha512: createHash("sha512").update(whole).digest("hex"),
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const set = (...parts: readonly Buffer[]): Buffer => der(0x31, Buffer.concat(parts));
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);

function positive(bytes: Buffer): Buffer {
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = rest.flatMap((value) => {
    const groups = [value & 127];
    for (let left = value >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    return groups;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

/** GeneralizedTime, as it must be from 2050 on and may be before by what reads it here; UTCTime before. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
