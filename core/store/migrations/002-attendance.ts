/** Who is in a channel, for links that show who comes and goes. */
export const attendance = {
  number: 2,
  sql: `
-- As last told or shown: a list that comes later is compared with it, so that only what changed is shown.
CREATE TABLE attendance (link INTEGER NOT NULL, person TEXT NOT NULL, PRIMARY KEY (link, person)) STRICT, WITHOUT ROWID;
`,
} as const;
