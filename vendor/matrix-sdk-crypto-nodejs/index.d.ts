export type OlmMachine = unknown;
export type StoreType = unknown;
