import type { Media } from "../media.ts";
import { answered, type Call, type Router } from "../router.ts";
import { notFound } from "../refusal.ts";

export function mediaRoutes(router: Router, media: Media): void {
  const upload = async ({ request, query }: Call): Promise<{ content_uri: string }> => ({
    content_uri: await media.upload(request, query),
  });
  router.at("POST", "/_matrix/media/v3/upload", { body: "stream" }, upload);
  router.at("POST", "/_matrix/media/v1/create", { body: "maybe" }, ({ who }) => ({
    content_uri: media.reserve(who.user),
    unused_expires_at: Date.now() + 86_400_000,
  }));
  router.at("PUT", "/_matrix/media/v3/upload/:server/:id", { body: "stream" }, async (call) => {
    await media.uploadReserved(call.request, call.query, call.param("id"), call.who.user);
    return {};
  });
  const config = (): { "m.upload.size": number } => ({ "m.upload.size": media.most });
  router.at("GET", "/_matrix/media/v3/config", {}, config);
  router.at("GET", "/_matrix/client/v1/media/config", {}, config);
  const download = async (call: Call): Promise<typeof answered> => {
    await media.download(call.response, call.param("server"), call.param("id"), call.param("name") || undefined);
    return answered;
  };
  router.at("GET", "/_matrix/client/v1/media/download/:server/:id", {}, download);
  router.at("GET", "/_matrix/client/v1/media/download/:server/:id/:name", {}, download);
  router.at("GET", "/_matrix/client/v1/media/thumbnail/:server/:id", {}, async (call) => {
    await media.thumbnail(call.response, call.param("server"), call.param("id"), call.query);
    return answered;
  });
  // What was uploaded since media are behind authentication is not to be had without.
  for (const path of ["download/:server/:id", "download/:server/:id/:name", "thumbnail/:server/:id"]) {
    router.at("GET", `/_matrix/media/v3/${path}`, { auth: "none" }, (call) => {
      throw notFound(`Not found '${call.url}'`);
    });
  }
}
