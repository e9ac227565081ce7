import { Readable } from "node:stream";
export async function stillOf(_json: string): Promise<{ stream: Readable; size: number; mimetype: string }> {
  return { stream: Readable.from([]), size: 0, mimetype: "image/png" };
}
