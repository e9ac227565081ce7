import { homeserverPromises } from "./homeserver-promises.ts";
import { startHomeserver } from "./homeserver.ts";
import { startListeningService } from "./listening-service.ts";

homeserverPromises("The fake homeserver", async () => {
  const service = await startListeningService();
  const hs = await startHomeserver({ services: [service.registration] });
  return { hs, service };
});
