#!/usr/bin/env node
// The command. Any Node may start it, so nothing here is newer than it must be, and nothing is imported before the version is known.
var needed = 24;
var major = Number(process.versions.node.split(".")[0]);

if (major < 16) {
  console.error(
    "Causeway needs Node " + needed + " or newer, and this is " + process.versions.node + ": install a newer one, or run `npm ci` with it.",
  );
  process.exit(1);
} else {
  import("./scripts/launch.js").then(
    function (module) {
      module.launch();
    },
    function (error) {
      console.error("Causeway is not whole here, install it again: " + error.message);
      process.exit(1);
    },
  );
}
