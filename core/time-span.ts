/** "between 10:03 and 10:40 UTC", with the days where they differ. Milliseconds since 1970. Pure. */
export function writeSpan(since: number, until: number): string {
  const [from, to] = [since, until].map((at) => new Date(at).toISOString());
  const [day, hour] = [(text = "") => text.slice(0, 10), (text = "") => text.slice(11, 16)];
  if (day(from) === day(to)) return `between ${hour(from)} and ${hour(to)} UTC`;
  return `between ${day(from)} ${hour(from)} and ${day(to)} ${hour(to)} UTC`;
}
