import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileTexts } from "./hostile-texts.ts";
import type { Harness } from "./harness.ts";

/** Ids are names that last for ever: each pair of converters round-trips, and nothing that people type can break one. */
export function idPromises<Config>({ network, samples }: Harness<Config>): void {
  const { ids } = network;

  test("a person's id survives becoming a ghost's name and back", () => {
    assert.ok(samples.people.length > 0);
    for (const id of samples.people) assert.equal(ids.fromGhost(ids.toGhost(id)), id);
  });

  test("no two people share a ghost", () => {
    assert.equal(new Set(samples.people.map((id) => ids.toGhost(id))).size, new Set(samples.people).size);
  });

  test("a channel's id survives becoming an alias and back, and no two channels share one", () => {
    assert.ok(samples.channels.length > 0);
    for (const id of samples.channels) assert.equal(ids.fromAlias(ids.toAlias(id)), id);
    assert.equal(new Set(samples.channels.map((id) => ids.toAlias(id))).size, new Set(samples.channels).size);
  });

  test("a channel is found by what people write", () => {
    assert.ok(samples.written.length > 0);
    for (const [words, means] of samples.written) assert.equal(ids.parseChannel(words), means, words.join(" "));
    for (const words of [[], [""], ...(samples.nonsense ?? [])]) assert.equal(ids.parseChannel(words), undefined, words.join(" "));
  });

  test("a name that is not ours, or hostile, means nobody or exactly itself", () => {
    for (const text of ["", ...hostileTexts]) {
      const person = ids.fromGhost(text);
      if (person !== undefined) assert.equal(ids.toGhost(person), text);
      const channel = ids.fromAlias(text);
      if (channel !== undefined) assert.equal(ids.toAlias(channel), text);
      const written = ids.parseChannel([text]);
      if (written !== undefined) assert.equal(ids.fromAlias(ids.toAlias(written)), written);
    }
  });

  test("a shared login that serves a channel is told alike every time", () => {
    for (const id of samples.channels) assert.equal(ids.loginOf(id), ids.loginOf(id));
  });
}
