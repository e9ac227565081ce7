import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ask } from "../../../matrix-client.ts";
import { refused, type Stage } from "./stage.ts";

const v3 = "/_matrix/client/v3";

export function accountPromises(stage: Stage): void {
  const register = (username: string, more = {}): Promise<unknown> =>
    stage.nobody("POST", `${v3}/register`, { username, password: "a password", auth: { type: "m.login.dummy" }, ...more });

  test("a person registers, is who they are, and logs in again with their password", async () => {
    const anna = await stage.person("anna");
    const me = await anna.call("GET", "/account/whoami");
    assert.equal(me["user_id"], anna.id);
    assert.equal(me["is_guest"], false);
    assert.equal(typeof me["device_id"], "string");
    const body = { type: "m.login.password", identifier: { type: "m.id.user", user: anna.id }, password: `${anna.name} has a password` };
    const session = await stage.nobody("POST", `${v3}/login`, body);
    assert.equal(session["user_id"], anna.id);
    assert.equal(typeof session["access_token"], "string");
    await refused(403, "M_FORBIDDEN", stage.nobody("POST", `${v3}/login`, { ...body, password: "wrong" }));
  });

  test("a registration without authentication is told the ways to authenticate", async () => {
    const attempt = stage.nobody("POST", `${v3}/register`, { username: randomUUID(), password: "a password" });
    const answer = await attempt.then(
      () => assert.fail("not refused"),
      (error: { status: number; body: Record<string, unknown> }) => error,
    );
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body["flows"], [{ stages: ["m.login.dummy"] }]);
  });

  test("a name that is taken, malformed or begins with an underscore is refused", async () => {
    const name = `taken-${randomUUID()}`;
    await register(name);
    await refused(400, "M_USER_IN_USE", register(name));
    await refused(400, "M_INVALID_USERNAME", register("with space"));
    await refused(400, "M_INVALID_USERNAME", register("_underscore"));
    await refused(400, "M_USER_IN_USE", stage.nobody("GET", `${v3}/register/available?username=${name}`));
  });

  test("nobody is served without a token, or with a wrong one", async () => {
    await refused(401, "M_MISSING_TOKEN", stage.nobody("GET", `${v3}/account/whoami`));
    await refused(401, "M_UNKNOWN_TOKEN", ask(stage.hs.url, "GET", `${v3}/account/whoami`, { token: "wrong" }));
  });

  test("a token ends with a logout", async () => {
    const anna = await stage.person("anna");
    await anna.call("POST", "/logout");
    await refused(401, "M_UNKNOWN_TOKEN", anna.call("GET", "/account/whoami"));
  });

  test("a service registers its users, once each, and no others", async () => {
    const name = `_test_${randomUUID()}`;
    const user = await stage.ghost(name);
    assert.equal(user, `@${name}:${stage.hs.serverName}`);
    await refused(400, "M_USER_IN_USE", stage.ghost(name));
    await refused(400, "M_EXCLUSIVE", stage.ghost(`foreign-${randomUUID()}`));
  });

  test("a person's registration with the service's token is refused", async () => {
    const body = { username: randomUUID(), password: "a password", auth: { type: "m.login.dummy" } };
    await refused(400, "M_UNKNOWN", stage.asService("POST", "/register", { body }));
  });

  test("a service speaks as its bot, unregistered too, and as its registered users only", async () => {
    assert.equal((await stage.asService("GET", "/account/whoami"))["user_id"], stage.bot);
    const ghost = await stage.ghost();
    assert.equal((await stage.asService("GET", "/account/whoami", { user: ghost }))["user_id"], ghost);
    await refused(403, "M_FORBIDDEN", stage.asService("GET", "/account/whoami", { user: `@_test_unregistered:${stage.hs.serverName}` }));
    await refused(403, "M_FORBIDDEN", stage.asService("GET", "/account/whoami", { user: (await stage.person()).id }));
  });

  test("a new account is called by its localpart, and changes its name and avatar itself", async () => {
    const anna = await stage.person("anna");
    assert.deepEqual(await anna.profile(anna.id), { displayname: anna.name });
    await anna.setName("Anna");
    await anna.setAvatar("mxc://test.local/picture");
    assert.deepEqual(await anna.profile(anna.id), { displayname: "Anna", avatar_url: "mxc://test.local/picture" });
    assert.deepEqual(await anna.call("GET", `/profile/${anna.id}/displayname`), { displayname: "Anna" });
    const other = await stage.person();
    const attempt = other.call("PUT", `/profile/${anna.id}/displayname`, { body: { displayname: "Hacked" } });
    await refused(400, "M_FORBIDDEN", attempt);
    await refused(400, "M_INVALID_PARAM", anna.call("PUT", `/profile/${anna.id}/displayname`, { body: { displayname: 5 } }));
    await refused(404, "M_UNKNOWN", anna.profile("@nobody-at-all:test.local"));
  });

  test("a new name and avatar reach every room as a membership event", async () => {
    const { guest, room, there } = await stage.roomOfTwo();
    await there.say("hello");
    await guest.setName("Gustav");
    const event = await room.next((each) => each.type === "m.room.member" && each.content["displayname"] === "Gustav");
    assert.equal(event.state_key, guest.id);
    assert.equal(event.content["membership"], "join");
  });

  test("paths and methods that do not exist are named so", async () => {
    const anna = await stage.person("anna");
    await refused(404, "M_UNRECOGNIZED", anna.call("GET", "/no/such/path"));
    await refused(405, "M_UNRECOGNIZED", anna.call("DELETE", "/sync"));
  });
}
