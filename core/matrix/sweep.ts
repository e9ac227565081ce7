/**
 * Buffers of files that have passed, given back early. V8 sees a buffer of 64 KiB as an object of a hundred bytes, and looks for dead ones
 * after some thousand of them: by then a few large files would hold as much memory as the rest of the bridge.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "minor"; readonly execution: "sync" }) => void;

/** So many bytes may lie about. Looking through the young objects takes less than a millisecond. */
const MOST = 2 * 1024 * 1024;

let passed = 0;
let collect: Collect | undefined;

/** To be told of each chunk of a file that went on its way. */
export function chunkPassed(bytes: number): void {
  passed += bytes;
  if (passed < MOST) return;
  passed = 0;
  collect ??= collector();
  collect({ type: "minor", execution: "sync" });
}

/** V8's own collector, which is not otherwise within reach. */
function collector(): Collect {
  setFlagsFromString("--expose-gc");
  const found = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return found;
}
