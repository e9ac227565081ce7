/** What can go wrong on the way to Slack, once or until it is mended. */
type Json = Record<string, unknown>;

export type Fault =
  /** The call takes effect; its answer is lost. */
  | { readonly kind: "lose-reply" }
  /** The call never arrives. */
  | { readonly kind: "lose-request" }
  | { readonly kind: "limit"; readonly seconds: number }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "error"; readonly code: string };

interface Planned {
  readonly method: string;
  readonly channel: string | undefined;
  readonly fault: Fault;
}

export class Faults {
  /** No connection is taken. */
  down = false;
  /** Requests are taken and never answered. */
  hanging = false;
  /** Milliseconds on the wall that each answer takes. */
  slowness = 0;
  /** The next call of one of these methods takes effect and is never answered. */
  trap: { readonly methods: ReadonlySet<string>; held(): void } | undefined;
  readonly #planned: Planned[] = [];
  /** Every call that came, in order. */
  readonly calls: { readonly method: string; readonly args: Json }[] = [];

  /** The next call of the method, in the channel where one is given. */
  plan(method: string, fault: Fault, channel?: string): void {
    this.#planned.push({ method, fault, channel });
  }

  next(method: string, args: Json): Fault | undefined {
    this.calls.push({ method, args });
    const index = this.#planned.findIndex(
      (each) => each.method === method && (each.channel === undefined || each.channel === args.channel || each.channel === args.channel_id),
    );
    return index < 0 ? undefined : this.#planned.splice(index, 1)[0]?.fault;
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }
}
