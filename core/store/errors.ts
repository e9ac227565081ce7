import { StoreFull } from "../model/errors.ts";

/** Failures of the store itself. Each message is one sentence for whoever runs the bridge, and says what to do. */

/** The database cannot be opened or used until a person acts: in use by another process, damaged, from a newer version, key missing. */
export class StoreUnusable extends Error {
  override readonly name = "StoreUnusable";
}

/** SQLite's and the file system's own failures as ours, where there is something that a person can do; any other error as it came. */
export function toStoreError(error: unknown, path: string): unknown {
  switch (codeOf(error)) {
    case "ENOSPC":
    case "SQLITE_FULL":
      return new StoreFull(`The disk that holds ${path} is full: make room, and what waits goes on.`, { cause: error });
    case "SQLITE_CORRUPT":
      return new StoreUnusable(`The database ${path} is damaged: stop the bridge and put the last backup back.`, { cause: error });
    case "SQLITE_NOTADB":
      return new StoreUnusable(`${path} is not a database: move it away, or set database.path to another file.`, { cause: error });
    case "SQLITE_IOERR":
      return new StoreUnusable(`The disk that holds ${path} does not read or write reliably (${detailOf(error)}).`, { cause: error });
    case "ENOENT":
      return new StoreUnusable(`There is no folder for ${path}.`, { cause: error });
    case "SQLITE_CANTOPEN":
      return new StoreUnusable(`The database ${path} cannot be opened: check that the folder exists and may be written.`, { cause: error });
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "SQLITE_READONLY":
      return new StoreUnusable(`The database ${path} may not be written: check its owner and its mode.`, { cause: error });
    case "SQLITE_BUSY":
      return new StoreUnusable(`The database ${path} was locked for too long by another program: close whatever has it open.`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** The primary result code: `SQLITE_IOERR` of `SQLITE_IOERR_FSYNC`. */
function codeOf(error: unknown): string {
  const detail = detailOf(error);
  return /^SQLITE_[A-Z]+/.exec(detail)?.[0] ?? detail;
}

function detailOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
