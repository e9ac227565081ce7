/** Discord's no. https://discord.com/developers/docs/reference#error-messages */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  readonly errors: unknown;
  constructor(status: number, code: number, message: string, errors?: unknown) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

export const unknown = {
  channel: () => new ApiError(404, 10003, "Unknown Channel"),
  guild: () => new ApiError(404, 10004, "Unknown Guild"),
  member: () => new ApiError(404, 10007, "Unknown Member"),
  message: () => new ApiError(404, 10008, "Unknown Message"),
  user: () => new ApiError(404, 10013, "Unknown User"),
  emoji: () => new ApiError(400, 10014, "Unknown Emoji"),
  webhook: () => new ApiError(404, 10015, "Unknown Webhook"),
  ban: () => new ApiError(404, 10026, "Unknown Ban"),
  interaction: () => new ApiError(404, 10062, "Unknown interaction"),
};

export const missingAccess = () => new ApiError(403, 50001, "Missing Access");
export const missingPermissions = () => new ApiError(403, 50013, "Missing Permissions");
export const archived = () => new ApiError(400, 50083, "Thread is archived");
export const unauthorized = () => new ApiError(401, 0, "401: Unauthorized");

/** A wrong field: `path` as `content` or `embeds.0.title`. */
export function invalid(path: string, code: string, message: string): ApiError {
  const leaf = { _errors: [{ code, message }] };
  const errors = path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), leaf);
  return new ApiError(400, 50035, "Invalid Form Body", errors);
}

export const tooLong = (path: string, most: number) => invalid(path, "BASE_TYPE_MAX_LENGTH", `Must be ${most} or fewer in length.`);
export const notSnowflake = (path: string, value: unknown) =>
  invalid(path, "NUMBER_TYPE_COERCE", `Value "${String(value)}" is not snowflake.`);
