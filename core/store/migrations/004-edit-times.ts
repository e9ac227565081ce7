/** When a remote message was last edited, over there: an edit may be delivered late, behind a newer one. */
export const editTimes = {
  number: 4,
  sql: `
ALTER TABLE message ADD COLUMN edited INTEGER;
`,
} as const;
