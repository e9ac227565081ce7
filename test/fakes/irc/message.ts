/** Lines as the fake reads and writes them. Its own code, so that it does not share the bridge's mistakes. */
export interface Message {
  tags?: Record<string, string> | undefined;
  prefix?: string | undefined;
  command: string;
  params: readonly string[];
}

const escapes: readonly (readonly [string, string])[] = [
  ["\\", "\\\\"],
  [";", "\\:"],
  [" ", "\\s"],
  ["\r", "\\r"],
  ["\n", "\\n"],
];

export function parse(line: string): Message {
  const [, tagText, prefix, command = "", rest = ""] = /^(?:@([^ ]*) +)?(?::([^ ]*) +)?([^ ]*)(?: +(.*))?$/s.exec(line) ?? [];
  const params: string[] = [];
  for (let left = rest; left !== ""; ) {
    if (left.startsWith(":")) {
      params.push(left.slice(1));
      break;
    }
    const space = left.indexOf(" ");
    params.push(space < 0 ? left : left.slice(0, space));
    left = space < 0 ? "" : left.slice(space).replace(/^ +/, "");
  }
  const tags = Object.fromEntries((tagText ?? "").split(";").filter(Boolean).map(readTag));
  return { tags, prefix, command: command.toUpperCase(), params };
}

function readTag(tag: string): [string, string] {
  const equals = tag.indexOf("=");
  if (equals < 0) return [tag, ""];
  const value = tag.slice(equals + 1).replace(/\\(.?)/g, (_, code: string) => ({ ":": ";", s: " ", r: "\r", n: "\n" })[code] ?? code);
  return [tag.slice(0, equals), value];
}

export function write({ tags = {}, prefix, command, params }: Message): string {
  const tagged = Object.entries(tags).map(([name, value]) => (value === "" ? name : `${name}=${escape(value)}`));
  const last = params.length - 1;
  const words = params.map((param, index) =>
    index === last && (param === "" || param.startsWith(":") || param.includes(" ")) ? `:${param}` : param,
  );
  return [tagged.length > 0 ? `@${tagged.join(";")}` : "", prefix === undefined ? "" : `:${prefix}`, command, ...words]
    .filter(Boolean)
    .join(" ");
}

function escape(value: string): string {
  return escapes.reduce((text, [plain, escaped]) => text.replaceAll(plain, escaped), value);
}
