/** `causeway backup` and `causeway rotate-key`: what keeps the bridge's memory safe. */
import { existsSync } from "node:fs";
import { Complaint, type Verb } from "./cli-verb.ts";
import { loadConfig } from "./config.ts";
import { backUpFile } from "./store/backup.ts";
import { rotateKey } from "./store/reseal.ts";

/** While the bridge runs, or not. */
export const backUp: Verb = async (wishes, shell) => {
  const { database } = await loadConfig(wishes.config, shell.networks, shell.env);
  const to = wishes.to ?? `${database.path}.${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.backup`;
  if (existsSync(to) && !wishes.force)
    throw new Complaint(`${to} is there already: name another file with --to, or write over it with --force.`);
  await backUpFile(database.path, to);
  const key = database.key === undefined ? `the sealing key (${database.key_file})` : "the sealing key (database.key)";
  shell.out(`Wrote ${to}. To go back to it: stop the bridge, put it in the place of ${database.path}, without -wal and -shm beside it.`);
  shell.out(`It does not hold ${key}, without which the logins in it stay shut: keep a copy of that somewhere else.`);
};

export const replaceKey: Verb = async (wishes, shell) => {
  const { database } = await loadConfig(wishes.config, shell.networks, shell.env);
  if (database.key !== undefined)
    throw new Complaint(
      "The sealing key stands in the config (database.key): only one that lies in a file (database.key_file) can be replaced.",
    );
  rotateKey({ database: database.path, keyFile: database.key_file });
  shell.out(`Everything that was sealed is sealed with a new key, which lies in ${database.key_file}.`);
  shell.out("Backups from before need the old one: keep it with them, or make a new backup now.");
};
