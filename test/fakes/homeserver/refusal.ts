/** Answers that are errors, as the client-server API words them: a status, an errcode and a sentence. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly errcode: string;
  /** Further keys of the body, such as `retry_after_ms`. */
  readonly extra: Readonly<Record<string, unknown>>;
  constructor(status: number, errcode: string, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.errcode = errcode;
    this.extra = extra;
  }
  get body(): Record<string, unknown> {
    return { errcode: this.errcode, error: this.message, ...this.extra };
  }
}

export const forbidden = (why: string): Refusal => new Refusal(403, "M_FORBIDDEN", why);
export const notFound = (why: string): Refusal => new Refusal(404, "M_NOT_FOUND", why);
export const badJson = (why: string): Refusal => new Refusal(400, "M_BAD_JSON", why);
export const invalidParam = (why: string): Refusal => new Refusal(400, "M_INVALID_PARAM", why);
export const missingParam = (why: string): Refusal => new Refusal(400, "M_MISSING_PARAM", why);
/** Synapse's answer to what it has no better word for. */
export const unknownError = (why: string): Refusal => new Refusal(400, "M_UNKNOWN", why);
export const tooLarge = (why: string): Refusal => new Refusal(413, "M_TOO_LARGE", why);
export const exclusive = (why: string): Refusal => new Refusal(400, "M_EXCLUSIVE", why);
