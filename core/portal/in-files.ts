/** The files of a message from a network, carried over; what cannot be is said in words, so that the message itself is not held up for ever. */
import { SourceFailed } from "../matrix/failure.ts";
import type { InFile } from "../matrix/to-matrix.ts";
import { Refused, TryLater } from "../model/errors.ts";
import type { MxcUri } from "../model/ids.ts";
import type { RemoteFile } from "../model/message.ts";
import type { Connection } from "../network.ts";
import type { PortalContext } from "./portal.ts";
import type { JournalRow } from "../store/store.ts";

/** What is on disk of a row whose files are on their way. */
interface Step {
  readonly files: Readonly<Record<string, MxcUri>>;
  /** Since when a file cannot be had, for those that could not. */
  readonly failing: Readonly<Record<string, number>>;
}

/** A file that breaks off each time will do so again; a network that does not give it out at the moment may be down for a while. */
const BROKEN_FOR = 120_000;
const AWAY_FOR = 3_600_000;

/** Uploads each file once: what is there already stands in the row. */
export async function filesIn(
  portal: PortalContext,
  connection: Connection,
  files: readonly RemoteFile[],
  row: JournalRow,
): Promise<InFile[]> {
  if (files.length === 0) return [];
  let step: Step = { files: {}, failing: {}, ...(row.step as Partial<Step> | undefined) };
  const save = async (more: Partial<Step>) => {
    step = { ...step, ...more };
    await portal.store.journal.save(row.id, step);
  };
  const out: InFile[] = [];
  for (const file of files) {
    const why = file.unavailable ?? tooLarge(portal, file);
    if (why !== undefined) {
      out.push({ file, unavailable: why });
      continue;
    }
    try {
      if (!step.files[file.id]) {
        const mxc = await portal.media.toMatrix(connection, file, portal.settings.largestFile);
        await save({ files: { ...step.files, [file.id]: mxc } });
      }
      out.push({ file, mxc: step.files[file.id] as MxcUri });
    } catch (error) {
      const since = step.failing[file.id];
      const hopeless = whyHopeless(error, portal.clock.now() - (since ?? portal.clock.now()));
      if (hopeless === undefined && since === undefined) await save({ failing: { ...step.failing, [file.id]: portal.clock.now() } });
      if (hopeless === undefined) throw error;
      out.push({ file, unavailable: hopeless });
    }
  }
  return out;
}

/** Undefined = it is worth another try. `failing`: milliseconds since it failed first. */
function whyHopeless(error: unknown, failing: number): string | undefined {
  if (error instanceof Refused) return error.message;
  if (!(error instanceof TryLater) || error.scope !== "item") return undefined;
  if (error.cause instanceof SourceFailed) return failing < BROKEN_FOR ? undefined : "it broke off each time that it was fetched";
  return failing < AWAY_FOR ? undefined : `it could not be fetched. ${error.message}`;
}

function tooLarge(portal: PortalContext, file: RemoteFile): string | undefined {
  const { largestFile } = portal.settings;
  if (file.size === undefined || file.size <= largestFile) return undefined;
  return `larger than the ${Math.floor(largestFile / 1_048_576)} MB that cross here`;
}
