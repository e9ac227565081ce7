import { test } from "node:test";
import { homeserverPromises } from "../fakes/homeserver-promises.ts";
import { startListeningService } from "../fakes/listening-service.ts";
import { startSynapse, synapseMissing } from "./synapse.ts";

const missing = await synapseMissing();
if (missing === undefined) {
  homeserverPromises("A real Synapse", async () => {
    const service = await startListeningService();
    const hs = await startSynapse({ services: [service.registration] });
    return { hs, service };
  });
} else {
  test("A real Synapse", { skip: missing }, () => {});
}
