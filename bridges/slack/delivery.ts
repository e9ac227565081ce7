import type { Json } from "./wire.ts";

/** What Slack sent, by whichever road: an event with its envelope, a press of a button, a slash command. */
export interface Delivery {
  readonly body: Json;
  /** How often it was sent before. */
  readonly retry: number;
}
