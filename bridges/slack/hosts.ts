/** Which addresses are Slack's: they alone get a token, or an answer. */

const SLACKS = /(?:^|\.)(?:slack\.com|slack-gov\.com|slack-files\.com|slack-edge\.com)$/;

/** Slack's own hosts, and the one where its API was said to be. */
export function isSlacks(apiUrl: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  const api = new URL(apiUrl);
  if (hostname === api.hostname && protocol === api.protocol) return true;
  return protocol === "https:" && SLACKS.test(hostname);
}

/** Whether a redirect from one of Slack's addresses stays with it: a neighbour on the same machine, which only a test's Slack has, is none. */
export function staysWithSlack(apiUrl: string, from: string, to: string): boolean {
  return isSlacks(apiUrl, to) && [from, apiUrl].some((url) => new URL(url).host === new URL(to).host || new URL(to).protocol === "https:");
}
