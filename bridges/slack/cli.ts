/** `causeway slack …` */
import { Refused } from "../../core/model/errors.ts";
import type { NetworkVerb } from "../../core/network.ts";
import { manifest } from "./manifest.ts";

const USAGE =
  "Use it as `causeway slack manifest` for Socket Mode, or as `causeway slack manifest http https://HOST/_causeway/slack/TEAM` for events over HTTP; `people` at the end lets people sign in with their own accounts.";

const printManifest: NetworkVerb = {
  name: "manifest",
  help: "prints the manifest of a Slack app: paste it at api.slack.com/apps, “Create New App”, “From a manifest”",
  async run(_config, words, print) {
    const people = words.includes("people");
    const http = words.includes("http");
    const [address, ...more] = words.filter((word) => !["people", "http", "socket"].includes(word));
    const usable = address === undefined || /^https:\/\/[^\s?#]+$/.test(address);
    if (!usable || more.length > 0 || ((http || people) && address === undefined)) throw new Refused(USAGE);
    const wishes = { http, people, ...(address === undefined ? {} : { address: address.replace(/\/+$/, "") }) };
    print(JSON.stringify(manifest(wishes), undefined, 2));
  },
};

export const verbs: readonly NetworkVerb[] = [printManifest];
