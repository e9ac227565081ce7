// Never reached: the bridge library's requests go through setRequestFn (core/matrix/client.ts).
module.exports = function requestPromise() {
  throw new Error("request-promise is not installed: matrix-bot-sdk must use setRequestFn");
};
