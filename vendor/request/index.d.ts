declare const request: unknown;
export = request;
