/** The app manifest: what an admin pastes into Slack to make the app. https://docs.slack.dev/reference/app-manifest */
import { PATHS } from "./http.ts";
import { BOT_EVENTS, BOT_SCOPES, USER_EVENTS, USER_SCOPES } from "./scopes.ts";
import { METADATA_TYPE } from "./wire.ts";

export interface ManifestWishes {
  /** The public address of the login (`https://matrix.example.org/_causeway/slack/T024BE7LD`); absent = Socket Mode alone. */
  readonly address?: string;
  /** Whether events come over HTTP. Needs the address. */
  readonly http: boolean;
  /** Whether people may sign in themselves. Needs the address. */
  readonly people: boolean;
}

export function manifest({ address, http, people }: ManifestWishes): unknown {
  const at = (path: string) => (http && address !== undefined ? { request_url: `${address}/${path}` } : {});
  return {
    display_information: { name: "Causeway", description: "Bridges channels of this workspace into Matrix rooms." },
    features: {
      bot_user: { display_name: "causeway", always_online: true },
      slash_commands: [
        {
          command: "/causeway",
          description: "Status of the bridge, and who is relayed.",
          usage_hint: "status, optout, optin, confirm CODE",
          should_escape: false,
          ...(http && address !== undefined ? { url: `${address}/${PATHS.commands}` } : {}),
        },
      ],
    },
    oauth_config: {
      // Whatever begins so is allowed: where the bridge is installed, and where people come back to after signing in.
      ...(address === undefined ? {} : { redirect_urls: [new URL("/", address).href] }),
      scopes: {
        bot: BOT_SCOPES.map(({ name }) => name),
        ...(people ? { user: USER_SCOPES.map(({ name }) => name) } : {}),
      },
    },
    settings: {
      event_subscriptions: {
        ...at(PATHS.events),
        bot_events: BOT_EVENTS,
        ...(people ? { user_events: USER_EVENTS } : {}),
        // Without this Slack takes our keys out of the events about our own messages.
        metadata_subscriptions: [{ app_id: "*", event_type: METADATA_TYPE }],
      },
      interactivity: { is_enabled: true, ...at(PATHS.interactivity) },
      org_deploy_enabled: false,
      socket_mode_enabled: !http,
      // Rotating tokens are good for twelve hours and can be renewed once only: an outage would log the bridge out.
      token_rotation_enabled: false,
    },
  };
}
