/** Certificates for tests, made by openssl. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  /** SHA-256, 64 hexadecimal digits. */
  readonly fingerprint: string;
}

export function certificate(name: string): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "causeway-cert-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
    execFileSync("openssl", ["req", "-x509", ...options, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const text = readFileSync(cert, "utf8");
    const fingerprint = new X509Certificate(text).fingerprint256.replaceAll(":", "").toLowerCase();
    return { key: readFileSync(key, "utf8"), cert: text, fingerprint };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
