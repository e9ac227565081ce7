/** ngIRCd: the plain old server. No IRCv3 but multi-prefix; a line over 512 bytes disconnects. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type IrcServer, RunningServer, serverFolder } from "./irc-servers.ts";
import { findProgram, freePort, giveTo, startChild } from "./setup.ts";

export interface NgircdOptions {
  readonly port?: number;
  readonly network?: string;
  /** Three lines a second; the sixth connection of an address is refused. */
  readonly tight?: boolean;
}

/** A sentence on how to have it; absent = it is there. */
export async function ngircdMissing(): Promise<string | undefined> {
  const there = (await findProgram("ngircd")) !== undefined;
  return there ? undefined : "No ngircd here: `apt-get install --no-install-recommends ngircd` brings it.";
}

export async function startNgircd(options: NgircdOptions = {}): Promise<IrcServer> {
  const program = await findProgram("ngircd");
  if (program === undefined) throw new Error(await ngircdMissing());
  const folder = await serverFolder("ngircd");
  const port = options.port ?? (await freePort());
  const network = options.network ?? "NgNet";
  await writeFile(join(folder, "ngircd.conf"), toConfig(folder, port, network, options.tight ?? false));
  const owner = await giveTo("irc", folder);
  const spawn = () => [startChild(program, ["-n", "-f", join(folder, "ngircd.conf")], { cwd: folder, ...owner })];
  return new RunningServer({ port, network, folder }, spawn).start();
}

const toConfig = (folder: string, port: number, network: string, tight: boolean): string => `[Global]
  Name = ngirc.test.local
  AdminInfo1 = test
  Info = test server
  Listen = 127.0.0.1
  Ports = ${port}
  MotdPhrase = "test"
  Network = ${network}
  PidFile = ${folder}/ngircd.pid
[Limits]
  MaxConnections = 0
  MaxConnectionsIP = ${tight ? 5 : 0}
  MaxJoins = 0
  MaxNickLength = 30
  MaxPenaltyTime = ${tight ? -1 : 0}
  PingTimeout = 120
[Options]
  DNS = no
  Ident = no
  PAM = no
  IncludeDir = ${folder}/none
[Operator]
  Name = root
  Password = operpass
`;
