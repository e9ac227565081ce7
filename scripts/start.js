// `npm start`: sets up what is missing, then is the bridge. One process, so that the signal which ends it reaches it.
import "./setup.js";

const { launch } = await import("./launch.js");
process.argv.splice(2, 0, "start");
launch();
