/** Settings that are good for a time only. */
export const endingSettings = {
  number: 3,
  sql: `
ALTER TABLE setting ADD COLUMN until INTEGER;
CREATE INDEX setting_until ON setting (until) WHERE until IS NOT NULL;
`,
} as const;
