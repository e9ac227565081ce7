// Never reached: the bridge library's requests go through setRequestFn (core/matrix/client.ts).
module.exports = function request() {
  throw new Error("request is not installed: matrix-bot-sdk must use setRequestFn");
};
