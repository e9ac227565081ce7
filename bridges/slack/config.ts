/** The `slack` section of the config file. */
import { z } from "zod";
import { loginId } from "../../core/model/ids.ts";
import type { Login } from "../../core/network.ts";
import { isTeam, teamOfLogin } from "./ids.ts";

const secret = (what: string) => z.string().min(1).describe(what);

const app = {
  app_token: secret('Socket Mode: the app-level token (xapp-…) with connections:write, under "Basic Information".').optional(),
  signing_secret: secret('Events over HTTP: the signing secret, under "Basic Information".').optional(),
  client_id: z.string().min(1).describe('Lets people sign in with Slack: the client id, under "Basic Information".').optional(),
  client_secret: secret("The client secret that belongs to the client id.").optional(),
};

const workspace = z
  .strictObject({
    bot_token: secret(
      'The bot token (xoxb-…), under "OAuth & Permissions". Without it the app is installed by the browser, with client_id and client_secret.',
    )
      .optional()
      .meta({ example: "${SLACK_BOT_TOKEN}", live: true }),
    ...app,
    app_token: app.app_token.meta({ example: "${SLACK_APP_TOKEN}", live: true }),
    name: z.string().min(1).describe("How the workspace is called in notices. Default: the name that Slack tells.").optional(),
    replies: z
      .enum(["thread", "quote"])
      .default("thread")
      .describe("What a relayed reply becomes: a message in the thread of what it answers, or one in the channel with a quote above."),
    files: z
      .enum(["upload", "thread", "link"])
      .default("upload")
      .describe(
        "What a relayed file becomes: an upload with its text, which Slack shows under the app's name; the text under the person's own name with the upload in its thread; or a link under the person's own name.",
      ),
    presences: z
      .boolean()
      .default(false)
      .describe("Ask every minute, of people who spoke lately, who is there, and show it as their ghosts' presence."),
  })
  .describe("One workspace, by its id (T…), which stands in the address of Slack's web client.");

export const slackConfig = z
  .strictObject({
    api_url: z
      .url({ protocol: /^https?$/ })
      .default("https://slack.com/api/")
      .transform((url) => (url.endsWith("/") ? url : `${url}/`))
      .describe("Where Slack's Web API is: GovSlack (https://slack-gov.com/api/), a proxy, or a server for tests.")
      .meta({ example: "https://slack.com/api/" }),
    workspaces: z
      .record(z.string().refine(isTeam, 'A workspace is named by its id, such as "T024BE7LD".'), workspace)
      .describe("The workspaces, each with its own internal app.")
      .meta({ exampleKey: "T024BE7LD" }),
    app: z
      .strictObject(app)
      .optional()
      .describe("One app for several workspaces of one organisation: what stands here need not be said for each workspace."),
  })
  .superRefine((config, context) => {
    for (const [team, own] of Object.entries(config.workspaces)) {
      const { app_token, signing_secret, client_id, client_secret } = { ...config.app, ...defined(own) };
      const tell = (message: string) => context.addIssue({ code: "custom", path: ["workspaces", team], message });
      if (app_token === undefined && signing_secret === undefined)
        tell("Say how events come: app_token for Socket Mode, or signing_secret for HTTP.");
      if (own.bot_token === undefined && (client_id === undefined || client_secret === undefined))
        tell("Give the bot_token, or client_id and client_secret to install the app by the browser.");
    }
  })
  .describe("Slack.");

export type SlackConfig = z.infer<typeof slackConfig>;
export type WorkspaceConfig = SlackConfig["workspaces"][string];

/** The credentials of one app. */
export interface AppConfig {
  readonly appToken?: string;
  readonly signingSecret?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}

/** The app that serves a workspace: its own, else the common one. */
export function appOf(config: SlackConfig, team: string): AppConfig {
  const both = { ...config.app, ...defined(config.workspaces[team] ?? {}) };
  return {
    ...(both.app_token === undefined ? {} : { appToken: both.app_token }),
    ...(both.signing_secret === undefined ? {} : { signingSecret: both.signing_secret }),
    ...(both.client_id === undefined ? {} : { clientId: both.client_id }),
    ...(both.client_secret === undefined ? {} : { clientSecret: both.client_secret }),
  };
}

/** One shared login for each workspace. */
export function sharedLogins(config: SlackConfig): readonly Login[] {
  return Object.entries(config.workspaces).map(([team, { bot_token, name }]) => ({
    id: loginId(team),
    name: name ?? team,
    secrets: bot_token === undefined ? {} : { token: bot_token },
  }));
}

export function workspaceOf(config: SlackConfig, login: Pick<Login, "id">): WorkspaceConfig | undefined {
  return config.workspaces[teamOfLogin(login)];
}
