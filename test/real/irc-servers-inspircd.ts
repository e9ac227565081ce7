/** InspIRCd 3: IRCv3 with message ids, labels, echoes, history on joining; with atheme's NickServ and SASL when asked for. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { askIrc, type IrcServer, RunningServer, serverFolder } from "./irc-servers.ts";
import { findProgram, freePort, giveTo, runProgram, startChild } from "./setup.ts";

export interface InspircdOptions {
  readonly port?: number;
  readonly network?: string;
  /** Ten lines at once, then one a second; three connections an address. */
  readonly tight?: boolean;
  /** NickServ, ChanServ and SASL by atheme. */
  readonly services?: boolean;
  /** A second port with TLS and a certificate of its own. */
  readonly tls?: boolean;
  readonly name?: string;
  /** A server of the same network to link to; it must accept this one's name. */
  readonly linkTo?: Inspircd;
  /** Names of servers that may link to this one. */
  readonly accepts?: readonly string[];
  /** Further lines of its configuration. */
  readonly config?: string;
}

export interface Inspircd extends IrcServer {
  /** Its certificate is `cert.pem` in its folder. */
  readonly tlsPort: number | undefined;
  /** Where other servers link to. */
  readonly linkPort: number;
  readonly name: string;
}

/** A sentence on how to have it; absent = it is there. */
export async function inspircdMissing(services = false): Promise<string | undefined> {
  const needed = services ? ["inspircd", "atheme-services"] : ["inspircd"];
  for (const name of needed) {
    if ((await findProgram(name)) === undefined)
      return `No ${name} here: \`apt-get install --no-install-recommends ${needed.join(" ")}\` brings it.`;
  }
  return undefined;
}

const modules =
  "cap ircv3 ircv3_accounttag ircv3_batch ircv3_capnotify ircv3_chghost ircv3_ctctags ircv3_echomessage ircv3_invitenotify " +
  "ircv3_labeledresponse ircv3_msgid ircv3_servertime monitor namesx uhnames setname chghost sethost chanhistory services_account sasl " +
  "spanningtree botmode sha256 password_hash samode deaf servprotect svshold hideoper hidechans";

const servicesName = "services.test.local";
const linkPassword = "linkpass";

interface Layout {
  readonly folder: string;
  readonly name: string;
  readonly id: string;
  readonly port: number;
  readonly linkPort: number;
  readonly tlsPort: number | undefined;
  readonly network: string;
}

let servers = 0;

export async function startInspircd(options: InspircdOptions = {}): Promise<Inspircd> {
  const program = await findProgram("inspircd");
  if (program === undefined) throw new Error(await inspircdMissing());
  const folder = await serverFolder("inspircd");
  const layout: Layout = {
    folder,
    name: options.name ?? "irc.test.local",
    id: `0A${String.fromCharCode(65 + (servers++ % 26))}`,
    port: options.port ?? (await freePort()),
    linkPort: await freePort(),
    tlsPort: options.tls ? await freePort() : undefined,
    network: options.network ?? "TestNet",
  };
  if (options.tls) await makeCertificate(folder);
  await writeFile(join(folder, "inspircd.conf"), toConfig(layout, options));
  if (options.services) await writeServices(layout);
  const owner = await giveTo("irc", folder);
  const atheme = options.services ? await findProgram("atheme-services") : undefined;
  if (options.services && atheme === undefined) throw new Error(await inspircdMissing(true));
  const spawn = () => [
    startChild(program, ["--config", join(folder, "inspircd.conf"), "--nofork"], { cwd: folder, ...owner }),
    ...(atheme === undefined ? [] : [startChild(atheme, athemeArguments(folder), { cwd: folder, ...owner })]),
  ];
  const ready = async (): Promise<boolean> =>
    !options.services || (await askIrc(layout.port, "ISON NickServ", / 303 \S+ :NickServ/)) !== "";
  const server = await new RunningServer(layout, spawn, ready).start();
  return Object.assign(server, { tlsPort: layout.tlsPort, linkPort: layout.linkPort, name: layout.name });
}

const athemeArguments = (folder: string): string[] => [
  "-n",
  ...["-c", join(folder, "atheme.conf")],
  ...["-l", join(folder, "atheme.log")],
  ...["-p", join(folder, "atheme.pid")],
  ...["-D", folder],
];

async function makeCertificate(folder: string): Promise<void> {
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  await runProgram(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names, ...files],
    folder,
  );
}

function toConfig(layout: Layout, options: InspircdOptions): string {
  const limits = options.tight
    ? 'localmax="3" globalmax="3" threshold="10" commandrate="1000" fakelag="yes"'
    : 'localmax="5000" globalmax="5000" threshold="10000" commandrate="1000000" fakelag="no"';
  const tls = layout.tlsPort === undefined ? "" : tlsConfig(layout.tlsPort);
  return `<define name="dir" value="${layout.folder}">
<server name="${layout.name}" description="test" network="${layout.network}" id="${layout.id}">
<admin name="t" nick="t" email="t@localhost">
<bind address="127.0.0.1" port="${layout.port}" type="clients">
<bind address="127.0.0.1" port="${layout.linkPort}" type="servers">
<connect name="main" allow="*" ${limits} limit="5000" maxchans="500" maxconnwarn="no" timeout="30" pingfreq="120" softsendq="1048576" hardsendq="4194304" recvq="65536" resolvehostnames="no" useident="no" usednsbl="no" useconnectban="no" useconnflood="no">
<performance softlimit="6000" somaxconn="1024" netbuffersize="65536" quietbursts="yes" nouserdns="yes">
<dns server="127.0.0.1" timeout="1">
<cidr ipv4clone="32" ipv6clone="128">
<security hidesplits="no" hidebans="no" maxtargets="20">
<limits maxnick="30" maxchan="64" maxtopic="390" maxkick="300" maxquit="300" maxaway="200" maxident="12" maxhost="64" maxreal="130" maxline="512">
<options defaultmodes="not">
<pid file="&dir;/inspircd.pid">
<path configdir="&dir;" datadir="&dir;" logdir="&dir;">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="&dir;/ircd.log">
${modules
  .split(" ")
  .map((name) => `<module name="${name}">`)
  .join("\n")}
<chanhistory maxlines="100" maxduration="2w" prefixmsg="no" savefrombots="yes" sendtobots="yes" enableumode="no">
<sasl target="${servicesName}" requiressl="no">
<class name="All" commands="*" privs="*" usermodes="*" chanmodes="*"> <type name="Op" classes="All" vhost=""> <oper name="root" password="operpass" host="*@*" type="Op">
${options.services ? `${linkConfig(servicesName, layout.linkPort)}\n<uline server="${servicesName}" silent="yes">` : ""}
${options.linkTo ? `${linkConfig(options.linkTo.name, options.linkTo.linkPort)}\n<autoconnect period="1" server="${options.linkTo.name}">` : ""}
${(options.accepts ?? []).map((name) => linkConfig(name, layout.linkPort)).join("\n")}
${tls}
${options.config ?? ""}
`;
}

const linkConfig = (name: string, port: number): string =>
  `<link name="${name}" ipaddr="127.0.0.1" port="${port}" allowmask="127.0.0.1" sendpass="${linkPassword}" recvpass="${linkPassword}">`;

const tlsConfig = (port: number): string => `<module name="ssl_gnutls"> <module name="sslinfo"> <module name="sslmodes">
<sslprofile name="cli" provider="gnutls" certfile="&dir;/cert.pem" keyfile="&dir;/key.pem" hash="sha256">
<bind address="127.0.0.1" port="${port}" type="clients" sslprofile="cli">`;

const athemeModules = [
  "protocol/inspircd",
  "backend/opensex",
  "crypto/pbkdf2v2",
  ...["main", "register", "regnolimit", "identify", "info", "logout", "cert", "group", "ghost", "enforce"].map(
    (name) => `nickserv/${name}`,
  ),
  ...["chanserv/main", "chanserv/register", "operserv/main", "saslserv/main", "saslserv/plain", "saslserv/external"],
];

async function writeServices(layout: Layout): Promise<void> {
  await writeFile(join(layout.folder, "atheme.motd"), "");
  await writeFile(
    join(layout.folder, "atheme.conf"),
    `${athemeModules.map((name) => `loadmodule "modules/${name}";`).join("\n")}
crypto { pbkdf2v2_digest = "SHA2-256"; pbkdf2v2_rounds = 10000; };
serverinfo { name = "${servicesName}"; desc = "services"; numeric = "00B"; recontime = 2; netname = "${layout.network}"; hidehostsuffix = "users.test"; adminname = "a"; adminemail = "a@localhost"; registeremail = "a@localhost"; mta = "/bin/true"; loglevel = { error; info; network; }; maxcertfp = 0; maxlogins = 50; maxusers = 0; mdlimit = 30; emaillimit = 1000; emailtime = 1; auth = none; casemapping = rfc1459; };
uplink "${layout.name}" { host = "127.0.0.1"; port = ${layout.linkPort}; send_password = "${linkPassword}"; receive_password = "${linkPassword}"; };
nickserv { nick = "NickServ"; user = "NickServ"; host = "services.test"; real = "n"; maxnicks = 20; expiry = 0; enforce_expiry = 0; };
chanserv { nick = "ChanServ"; user = "ChanServ"; host = "services.test"; real = "c"; maxchans = 100; };
operserv { nick = "OperServ"; user = "OperServ"; host = "services.test"; real = "o"; };
saslserv { nick = "SaslServ"; user = "SaslServ"; host = "services.test"; real = "s"; };
database { db_save_blocking = false; };
general { helpchan = "#help"; flood_msgs = 0; commit_interval = 5; kline_time = 7; default_clone_allowed = 5000; default_clone_warn = 5000; };
`,
  );
}
