import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { StoreUnusable } from "./errors.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of what is sealed, so that another way can be told from this one. */
const VERSION = 1;

/**
 * Seals secrets at rest with AES-256-GCM. The context (which table, whose row) is authenticated too, so that a sealed value
 * that was moved to another row does not open.
 */
export class Seal {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new StoreUnusable(`A sealing key has ${KEY_BYTES} bytes, this one has ${key.length}.`);
    this.#key = key;
  }

  /** A secret of its own for another purpose, always the same. */
  derive(purpose: string): Buffer {
    return createHmac("sha256", this.#key).update(purpose).digest();
  }

  seal(value: unknown, context: readonly string[]): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(JSON.stringify(context)));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed]);
  }

  /** Throws `StoreUnusable` when it was sealed with another key, in another context, or changed since. */
  open(sealed: Uint8Array, context: readonly string[]): unknown {
    const head = 1 + NONCE_BYTES + TAG_BYTES;
    try {
      if (sealed[0] !== VERSION) throw new TypeError("unknown version");
      const cipher = createDecipheriv("aes-256-gcm", this.#key, sealed.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(JSON.stringify(context))).setAuthTag(sealed.subarray(1 + NONCE_BYTES, head));
      return JSON.parse(Buffer.concat([cipher.update(sealed.subarray(head)), cipher.final()]).toString("utf8"));
    } catch {
      throw new StoreUnusable(`A stored secret (${context.join(" ")}) does not open with this sealing key.`);
    }
  }
}

export interface SealKeySource {
  /** Outside the database, so that a copy of the one is worth nothing without the other. */
  readonly file: string;
  /** The key itself in base64 or hexadecimal, for those who keep it elsewhere; wins over the file. */
  readonly text?: string | undefined;
  /** Whether a missing file may be made: only while there is no database that another key has sealed. */
  readonly make: boolean;
}

export function loadSealKey(source: SealKeySource): Uint8Array {
  if (source.text !== undefined) return readSealKey(source.text, "The sealing key from the environment");
  if (existsSync(source.file)) return readSealKey(readFileSync(source.file, "utf8"), `The sealing key file ${source.file}`);
  if (source.make) return makeSealKey(source.file);
  throw new StoreUnusable(
    `The sealing key file ${source.file} is missing: put it back from where you keep copies, it opens the stored logins.`,
  );
}

/** 32 bytes as 64 hexadecimal digits or as base64. */
function readSealKey(text: string, what: string): Uint8Array {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, "hex") : Buffer.from(trimmed, "base64");
  if (key.length === KEY_BYTES) return key;
  throw new StoreUnusable(`${what} must hold ${KEY_BYTES} bytes in base64 or hexadecimal.`);
}

function makeSealKey(file: string): Uint8Array {
  const key = randomBytes(KEY_BYTES);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // On disk before anything is sealed with it: a key that a power cut takes back would lock the database for ever.
  const handle = openSync(file, "wx", 0o600);
  writeSync(handle, `${key.toString("base64")}\n`);
  fsyncSync(handle);
  closeSync(handle);
  syncFolder(dirname(file));
  return key;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}
