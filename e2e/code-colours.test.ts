/**
 * The highlighter is a file of its own, loaded when the first code block is complete, and so is the typesetter, loaded with the first
 * formula where the element has `math`: from every build, under the strictest policy.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launchBrowser, launchExtension, until, watchErrors } from "./testing/browser.ts";
import { root } from "./testing/gateway-process.ts";
import { startSite, type SiteAnswer, type Site } from "./testing/site.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; require-trusted-types-for 'script'; trusted-types lit-html";

const FRAMES = [
  { type: "start", streamId: "s1", messageId: "m1", v: 1 },
  { type: "token", content: "Here:\n\n```ts\nconst answer = 42; // why\n```\n\nDone: $x^2$." },
  { type: "done", reason: "stop" },
].map((frame, index) => `id: ${index + 1}\ndata: ${JSON.stringify({ ...frame, seq: index + 1 })}\n\n`);

const pageWith = (script: string, attributes = ""): SiteAnswer => ({
  type: "text/html",
  headers: { "Content-Security-Policy": POLICY },
  body: `<!doctype html><title>x</title><link rel="icon" href="data:,"><body><chanl-chat endpoint="/chat" agent-id="a"${attributes}></chanl-chat>${script}`,
});

const pages: Record<string, SiteAnswer> = {
  "/module": pageWith('<script type="module" src="/widget/chanl-chat.js"></script>'),
  "/math": pageWith('<script type="module" src="/widget/chanl-chat.js"></script>', " math"),
  "/classic": pageWith('<script src="/widget/chanl-chat.iife.js"></script>'),
  "/chat/stream": { type: "text/event-stream", headers: { "X-Stream-Id": "s1" }, body: FRAMES.join("") },
};

let site: Site;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(pages, { "/widget/": "" }), launchBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** Requests for the highlighter since the last look. */
const takeAsked = (part = "highlight"): string[] => site.requests.splice(0).filter((request) => request.includes(part));

async function ask(path: string): Promise<{ page: Page; errors: string[]; coloured: () => Promise<string | null> }> {
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.addInitScript(
    "window.reports = []; document.addEventListener('securitypolicyviolation', (event) => reports.push(event.violatedDirective))",
  );
  await page.goto(site.origin + path);
  await page.evaluate(
    `customElements.whenDefined("chanl-chat").then(() => { const chat = document.querySelector("chanl-chat"); void chat.show?.(); return chat.send("Show code") })`,
  );
  await page.locator('chanl-chat [part~="message-assistant"] pre').waitFor({ state: "attached" });
  const coloured = (): Promise<string | null> =>
    page.evaluate(`document.querySelector("chanl-chat").shadowRoot.querySelector(".hl-keyword")?.textContent ?? null`);
  return { page, errors, coloured };
}

test.each(["/module", "/classic"])("a script tag (%s) loads it from beside the script, and nothing is reported", async (path) => {
  site.requests.length = 0;
  const { page, errors, coloured } = await ask(path);
  await until(async () => (await coloured()) === "const", "the colours");
  expect(takeAsked()).toEqual([expect.stringMatching(/^GET \/widget\/chunks\/code-highlighter-[\w-]+\.js$/)]);
  expect([errors, await page.evaluate("window.reports")]).toEqual([[], []]);
  await page.close();
});

test("with `math` a formula is set, by a file from beside the script, and nothing is reported", async () => {
  site.requests.length = 0;
  const { page, errors } = await ask("/math");
  await page.locator("chanl-chat math").waitFor({ state: "attached" });
  expect(await page.locator("chanl-chat math msup").count()).toBe(1);
  expect(takeAsked("math")).toEqual(["GET /math", expect.stringMatching(/^GET \/widget\/chunks\/math-writer-[\w-]+\.js$/)]);
  expect([errors, await page.evaluate("window.reports")]).toEqual([[], []]);
  await page.close();
});

test("where the file is missing, code stays plain and the page hears of no error", async () => {
  const [chunk] = (await readdir(join(root, "dist", "chunks"))).filter((name) => /^code-highlighter-.*\.js$/.test(name));
  const file = `/widget/chunks/${chunk}`;
  pages[file] = { type: "text/plain", body: "", status: 404 };
  site.requests.length = 0;
  const { page, errors, coloured } = await ask("/module");
  await until(() => takeAsked().length > 0, "the request");
  await page.waitForTimeout(300);
  expect(await coloured()).toBeNull();
  expect(await page.evaluate(`document.querySelector("chanl-chat").shadowRoot.querySelector("pre").textContent`)).toBe(
    "const answer = 42; // why\n",
  );
  // The browser's own line about the 404 is all there is.
  expect(errors.filter((error) => !error.includes("404"))).toEqual([]);
  await page.close();
  delete pages[file];
});

test("without `math` TeX stays as it was written, and no typesetter is asked for", async () => {
  site.requests.length = 0;
  const { page, coloured } = await ask("/module");
  await until(async () => (await coloured()) === "const", "the colours");
  expect(await page.locator("chanl-chat .md").innerText()).toContain("Done: $x^2$.");
  expect(takeAsked("math")).toEqual([]);
  await page.close();
});

test("a page without code does not ask for it", async () => {
  site.requests.length = 0;
  const page = await browser.newPage();
  await page.goto(`${site.origin}/module`);
  await page.waitForFunction(`customElements.get("chanl-chat")`);
  await page.waitForTimeout(200);
  expect(takeAsked()).toEqual([]);
  await page.close();
});

test("in the extension it is a file of the package, and loads under its policy", async () => {
  const assets = await readdir(join(root, "dist", "extension", "assets"));
  const file = assets.find((name) => /^code-highlighter-.*\.js$/.test(name));
  expect(file).toBeDefined();
  const extension = await launchExtension();
  try {
    const page = await extension.context.newPage();
    await page.goto(`chrome-extension://${extension.id}/side-panel/index.html`);
    expect(await page.evaluate(`import("/assets/${file}").then((chunk) => Object.values(chunk).map((value) => typeof value))`)).toContain(
      "function",
    );
  } finally {
    await extension.close();
  }
});
