/** Dates in messages: `<!date^1392734382^Posted {date_num} {time_secs}|fallback>` and the `date` element. */
import type { Inline } from "../../core/model/richtext.ts";

type Time = Extract<Inline, { type: "time" }>;

/** The farthest moment that JavaScript can name, in seconds. */
const FARTHEST = 8.64e12;

/** `seconds` since 1970. Undefined = no moment. */
export function timeNode(seconds: number, format: string, fallback: string | undefined): Time | undefined {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > FARTHEST) return undefined;
  return { type: "time", at: seconds * 1000, text: fallback ?? written(seconds * 1000, format), style: styleOf(format) };
}

function styleOf(format: string): NonNullable<Time["style"]> {
  if (format.includes("{ago}")) return "relative";
  const date = /\{(?:date|day_)/.test(format);
  return date && format.includes("{time") ? "datetime" : date ? "date" : "time";
}

/** In UTC: who reads it is not known. */
function written(at: number, format: string): string {
  const iso = new Date(at).toISOString();
  const [day = "", clock = ""] = iso.split("T");
  const long = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(at);
  return format.replace(/\{([a-z_]{1,30})\}/g, (whole, token: string) => {
    if (token === "time") return `${clock.slice(0, 5)} UTC`;
    if (token === "time_secs") return `${clock.slice(0, 8)} UTC`;
    if (token === "date_num") return day;
    if (token === "date_slash") return day.replaceAll("-", "/");
    return token.startsWith("date") || token === "ago" || token === "day_divider_pretty" ? long : whole;
  });
}

const FORMATS: Readonly<Record<NonNullable<Time["style"]>, string>> = {
  time: "{time}",
  date: "{date_long}",
  datetime: "{date_long} {time}",
  relative: "{ago}",
};

/** https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
export function formatOf(node: Time): string {
  return FORMATS[node.style ?? "datetime"];
}
