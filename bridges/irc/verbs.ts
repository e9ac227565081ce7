/** What people can ask of IRC itself: `!irc whois dave`. */
import type { Verb } from "../../core/network.ts";

/** Words to services that hold a password. */
function isPassword(words: string): boolean {
  const [, nick = "", text = ""] = /^(\S+)\s+(.*)$/s.exec(words) ?? [];
  const asks = /^(identify|id|login|register|auth|ghost|regain|recover|release|set\s+pass\w*|setpass|changepass)\b/i;
  return /serv$|^[qx]$|^authserv$/i.test(nick.replace(/@.*$/, "")) && asks.test(text.trim());
}

export const verbs: readonly Verb[] = [
  { name: "status", usage: "", about: "how you, or else the bridge, are connected", needs: "anyone" },
  { name: "whois", usage: "NICK", about: "who somebody is", needs: "anyone" },
  { name: "names", usage: "[#CHANNEL]", about: "who is in a channel", needs: "anyone" },
  { name: "list", usage: "[WORD]", about: "channels, the largest first", needs: "anyone", of: "shared" },
  { name: "nick", usage: "[NICK]", about: "your nick there, or another one from now on", needs: "login", of: "own" },
  { name: "join", usage: "#CHANNEL [KEY]", about: "be in a channel though you have not spoken there", needs: "login", of: "own" },
  { name: "part", usage: "[#CHANNEL]", about: "leave a channel until you speak there", needs: "login", of: "own" },
  {
    name: "msg",
    usage: "NICK TEXT",
    about: "say something to somebody in private; the answer becomes a room",
    needs: "login",
    of: "own",
    secret: isPassword,
  },
  {
    name: "identify",
    usage: "[ACCOUNT] PASSWORD",
    about: "sign in with services, now and from now on (in a direct chat with me alone)",
    needs: "login",
    of: "own",
    secret: () => true,
  },
  {
    name: "cert",
    usage: "[use [ACCOUNT] | drop]",
    about: "a certificate of your own, by which services know you without a password",
    needs: "login",
    of: "own",
  },
  {
    name: "quit",
    usage: "",
    about: "end your connection; you are relayed until you come back by `join` or `nick`",
    needs: "login",
    of: "own",
  },
  { name: "raw", usage: "LINE", about: "a line of the protocol, and what the server says to it", needs: "admin" },
];
