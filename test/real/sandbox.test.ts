/** The sandbox's page in a real browser: what a newcomer does in the first five minutes, with mouse, keyboard, on a phone, in the dark. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { SandboxServer } from "../sandbox/http.ts";
import { lanternPicture } from "../sandbox/picture.ts";
import { Sandbox } from "../sandbox/sandbox.ts";
import { findProgram } from "./setup.ts";

let sandbox: Sandbox;
let server: SandboxServer;
let browser: Browser;
let page: Page;
let address: string;
/** What the browser complained about. */
const complaints: string[] = [];

async function openPage(options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> {
  const opened = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  opened.setDefaultTimeout(15_000);
  opened.on("pageerror", (error) => complaints.push(error.message));
  opened.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await opened.goto(address);
  await opened.locator("#side-matrix .composer").waitFor();
  return opened;
}

const side = (name: string): Locator => page.locator(`#side-${name}`);
const message = (where: string, text: string): Locator => side(where).locator(".message", { hasText: text }).last();
const others = (of: string): readonly string[] => ["matrix", "irc", "slack", "discord"].filter((name) => name !== of);

async function say(where: string, text: string): Promise<void> {
  await side(where).locator("textarea").fill(text);
  await side(where).locator("textarea").press("Enter");
}

/** Points at a message and presses one of its buttons. */
async function press(target: Locator, label: string): Promise<void> {
  await target.hover();
  await target.getByRole("button", { name: label }).first().click();
}

suite("the sandbox in a browser", () => {
  before(async () => {
    const executablePath = await findProgram("chromium");
    assert.ok(executablePath, "No Chromium: `apt-get install chromium` brings it.");
    sandbox = await Sandbox.open();
    server = new SandboxServer(sandbox);
    address = `http://localhost:${await server.listen(0)}/`;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    page = await openPage();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await sandbox?.close();
  });

  test("what is said on one side appears on all others, by mouse and by keyboard", async () => {
    await say("matrix", "Good evening, everyone");
    for (const name of others("matrix")) await message(name, "Good evening, everyone").waitFor();
    await side("discord").locator("textarea").fill("and to **you**");
    await side("discord").getByRole("button", { name: "Send", exact: true }).click();
    for (const name of others("discord")) await message(name, "and to you").locator("strong", { hasText: "you" }).waitFor();
  });

  test("the bold button formats what is selected", async () => {
    const input = side("slack").locator("textarea");
    await input.fill("a bright light");
    await input.evaluate((area) => (area as unknown as { setSelectionRange(from: number, to: number): void }).setSelectionRange(2, 8));
    await side("slack").getByRole("button", { name: "Bold" }).click();
    assert.equal(await input.inputValue(), "a **bright** light");
    await input.press("Enter");
    await message("matrix", "a bright light").locator("strong", { hasText: "bright" }).waitFor();
  });

  test("a reply, a reaction, an edit and a deletion, and what the other side makes of them", async () => {
    await press(message("matrix", "a bright light"), "Reply");
    await say("matrix", "How bright?");
    await message("matrix", "How bright?").locator(".answered", { hasText: "a bright light" }).waitFor();
    await message("irc", "How bright?").waitFor();
    await press(message("slack", "How bright?"), "React");
    await message("slack", "How bright?").getByRole("group", { name: "React with" }).getByRole("button", { name: "🔥" }).click();
    await message("matrix", "How bright?")
      .getByRole("button", { name: /^🔥 by Sana/ })
      .waitFor();
    await press(message("matrix", "How bright?"), "Edit");
    await side("matrix").locator("textarea").fill("How very bright?");
    await side("matrix").locator("textarea").press("Enter");
    for (const name of ["slack", "discord"]) await message(name, "How very bright?").waitFor();
    await press(message("matrix", "How very bright?"), "Delete");
    for (const name of ["matrix", "slack", "discord"]) await message(name, "How very bright?").waitFor({ state: "detached" });
  });

  test("a picture that is sent from Matrix is seen on Slack and Discord, and IRC gets its address", async () => {
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      side("matrix").getByRole("button", { name: "Send a file on Matrix" }).click(),
    ]);
    await chooser.setFiles({ name: "glow.png", mimeType: "image/png", buffer: lanternPicture() });
    for (const name of ["slack", "discord"])
      await message(name, "glow.png")
        .locator("img")
        .evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode());
    assert.match((await message("irc", "glow.png").locator("a").getAttribute("href")) ?? "", /^http.*glow\.png$/);
  });

  test("the bridge is killed while people chat, and in the end nothing is lost and nothing came twice", async () => {
    await page.getByRole("button", { name: "Start the chatter" }).click();
    for (let turn = 0; turn < 2; turn++) {
      await page.waitForTimeout(1500);
      await page.getByRole("button", { name: "Kill the bridge" }).click();
      await page.getByText("The bridge is dead").waitFor();
      await page.getByText("The bridge is up").waitFor();
    }
    await page.getByRole("button", { name: "Stop the chatter" }).click();
    await page.locator('[data-count="waiting"]', { hasText: /^0$/ }).waitFor({ timeout: 30_000 });
    const count = async (name: string) => Number(await page.locator(`[data-count="${name}"]`).textContent());
    assert.deepEqual([await count("lost"), await count("doubled")], [0, 0]);
    assert.equal(await count("delivered"), await count("sent"));
    assert.ok((await count("sent")) > 10);
    await page.locator('[data-try="kill"].done').waitFor();
  });

  test("what people write stays text: no script of theirs runs", async () => {
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script> [x](javascript:alert(1))';
    for (const name of ["matrix", "irc", "slack", "discord"]) {
      await say(name, `${name} says ${hostile}`);
      await message("matrix", `${name} says`).waitFor();
    }
    for (const name of others("discord")) await message(name, "discord says").waitFor();
    assert.equal(await page.title(), "Causeway sandbox");
    assert.equal(await page.locator('.message script, .message img[src="x"], .message [href^="javascript"]').count(), 0);
  });

  test("what cannot be done is said in words, and what was typed is not lost", async () => {
    await page.route("**/api/act", (route) => route.fulfill({ status: 502, json: { error: "The IRC server did not answer." } }));
    await say("irc", "kept");
    await page.getByRole("alert").filter({ hasText: "The IRC server did not answer." }).waitFor();
    assert.equal(await side("irc").locator("textarea").inputValue(), "kept");
    await page.unroute("**/api/act");
    await side("irc").locator("textarea").fill("");
    assert.match(complaints.pop() ?? "", /502/);
  });

  test("the keyboard alone is enough", async () => {
    const keys = await openPage();
    await keys.keyboard.press("Tab");
    assert.equal(await keys.evaluate("document.activeElement.textContent"), "Skip to the conversations");
    await keys.keyboard.press("Enter");
    const list = keys.locator("#side-irc .messages");
    await list.focus();
    await keys.keyboard.press("ArrowUp");
    assert.ok(await keys.evaluate(`document.activeElement.matches(".message:last-child")`));
    await keys.keyboard.press("ArrowUp");
    await keys.keyboard.press("Tab");
    assert.match(String(await keys.evaluate(`document.activeElement.getAttribute("aria-label")`)), /^(Reply|👍|🔥)/);
    await keys.locator("#side-irc .message").last().getByRole("button", { name: "Reply" }).focus();
    await keys.keyboard.press("Enter");
    assert.ok(await keys.locator("#side-irc .about").isVisible());
    assert.equal(await keys.evaluate("document.activeElement.tagName"), "TEXTAREA");
    await keys.keyboard.press("Escape");
    assert.ok(!(await keys.locator("#side-irc .about").isVisible()));
    await keys.keyboard.type("one");
    await keys.keyboard.press("Shift+Enter");
    await keys.keyboard.type("two");
    assert.equal(await keys.locator("#side-irc textarea").inputValue(), "one\ntwo");
    await keys.close();
  });

  test("a screen reader finds every part by its name, and hears what arrives", async () => {
    for (const name of ["Matrix", "IRC", "Slack", "Discord"]) await page.getByRole("region", { name, exact: true }).waitFor();
    const parts = page.locator("button, select, textarea, a, input:not([hidden])");
    const names = await parts.evaluateAll((all) => all.map((one) => (one.getAttribute("aria-label") ?? one.textContent ?? "").trim()));
    assert.ok(names.length > 20 && !names.includes(""));
    await say("slack", "Who hears this?");
    await page.locator("#announcer", { hasText: "Sana: Who hears this?" }).waitFor({ state: "attached" });
  });

  test("a browser may have many tabs on it", async () => {
    const context = await browser.newContext();
    const tabs = await Promise.all(Array.from({ length: 12 }, () => context.newPage()));
    for (const tab of tabs) await tab.goto(address);
    await tabs[11]?.locator("#side-irc textarea").fill("from the twelfth tab");
    await tabs[11]?.locator("#side-irc textarea").press("Enter");
    for (const tab of tabs) await tab.locator("#side-matrix .message", { hasText: "from the twelfth tab" }).waitFor();
    await context.close();
  });

  test("on a phone one side is shown at a time, and nothing reaches beyond the screen", async () => {
    const phone = await openPage({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
    assert.deepEqual(await phone.locator(".side:visible").evaluateAll((all) => all.map((one) => one.id)), ["side-matrix"]);
    await phone.getByRole("tab", { name: "Discord" }).tap();
    assert.deepEqual(await phone.locator(".side:visible").evaluateAll((all) => all.map((one) => one.id)), ["side-discord"]);
    await phone.locator("#side-discord textarea").fill("from my phone");
    await phone.locator("#side-discord").getByRole("button", { name: "Send", exact: true }).tap();
    await phone.locator("#side-discord .message", { hasText: "from my phone" }).waitFor();
    await phone.getByRole("tab", { name: "Matrix" }).and(phone.locator(".unread")).waitFor();
    assert.equal(await phone.evaluate("document.documentElement.scrollWidth"), 390);
    await phone.close();
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`in the ${colorScheme} every text can be read`, async () => {
      const shown = await openPage({ colorScheme });
      await shown.locator(".message").first().waitFor();
      const contrast = await readFile(new URL("sandbox-contrast.js", import.meta.url), "utf8");
      assert.deepEqual(await shown.evaluate(contrast), []);
      await shown.close();
    });

  test("the browser had nothing to complain about", () => {
    assert.deepEqual(complaints, []);
  });
});
