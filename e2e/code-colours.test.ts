/**
 * The highlighter is a file of its own, loaded when the first code block is complete, and so is the typesetter, loaded with the first
 * formula where the element has `math`: from every build, under the strictest policy.
 */
import { readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launchBrowser, launchExtension, until, watchErrors } from "./testing/browser.ts";
import { root } from "./testing/gateway-process.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; require-trusted-types-for 'script'; trusted-types lit-html";

let server: Server;
let browser: Browser;
let origin = "";
const missing = new Set<string>();
const asked: string[] = [];

const PAGES: Readonly<Record<string, string>> = {
  "/module": '<script type="module" src="/widget/chanl-chat.js"></script>',
  "/math": '<script type="module" src="/widget/chanl-chat.js"></script>',
  "/classic": '<script src="/widget/chanl-chat.iife.js"></script>',
};

beforeAll(async () => {
  server = createServer(async ({ url = "/", method }, response) => {
    asked.push(url);
    if (method === "POST") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "X-Stream-Id": "s1" });
      const frames = [
        { type: "start", streamId: "s1", messageId: "m1", v: 1 },
        { type: "token", content: "Here:\n\n```ts\nconst answer = 42; // why\n```\n\nDone: $x^2$." },
        { type: "done", reason: "stop" },
      ];
      for (const [index, frame] of frames.entries())
        response.write(`id: ${index + 1}\ndata: ${JSON.stringify({ ...frame, seq: index + 1 })}\n\n`);
      response.end();
      return;
    }
    const page = PAGES[url];
    if (page) {
      response.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": POLICY });
      response.end(
        `<!doctype html><title>x</title><link rel="icon" href="data:,"><body><chanl-chat endpoint="/" agent-id="a"${url === "/math" ? " math" : ""}></chanl-chat>${page}`,
      );
      return;
    }
    try {
      if (!url.startsWith("/widget/") || missing.has(url)) throw new Error("not found");
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(await readFile(join(root, "dist", url.slice(8))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

async function ask(path: string): Promise<{ page: Page; errors: string[]; coloured: () => Promise<string | null> }> {
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.addInitScript(
    "window.reports = []; document.addEventListener('securitypolicyviolation', (event) => reports.push(event.violatedDirective))",
  );
  await page.goto(origin + path);
  await page.evaluate(
    `customElements.whenDefined("chanl-chat").then(() => { const chat = document.querySelector("chanl-chat"); void chat.show?.(); return chat.send("Show code") })`,
  );
  await page.locator('chanl-chat [part~="message-assistant"] pre').waitFor({ state: "attached" });
  const coloured = (): Promise<string | null> =>
    page.evaluate(`document.querySelector("chanl-chat").shadowRoot.querySelector(".hl-keyword")?.textContent ?? null`);
  return { page, errors, coloured };
}

test.each(["/module", "/classic"])("a script tag (%s) loads it from beside the script, and nothing is reported", async (path) => {
  asked.length = 0;
  const { page, errors, coloured } = await ask(path);
  await until(async () => (await coloured()) === "const", "the colours");
  expect(asked.filter((url) => url.includes("highlight"))).toEqual([
    expect.stringMatching(/^\/widget\/chunks\/code-highlighter-[\w-]+\.js$/),
  ]);
  expect([errors, await page.evaluate("window.reports")]).toEqual([[], []]);
  await page.close();
});

test("with `math` a formula is set, by a file from beside the script, and nothing is reported", async () => {
  asked.length = 0;
  const { page, errors } = await ask("/math");
  await page.locator("chanl-chat math").waitFor({ state: "attached" });
  expect(await page.locator("chanl-chat math msup").count()).toBe(1);
  expect(asked.filter((url) => url.includes("math"))).toEqual([
    "/math",
    expect.stringMatching(/^\/widget\/chunks\/math-writer-[\w-]+\.js$/),
  ]);
  expect([errors, await page.evaluate("window.reports")]).toEqual([[], []]);
  await page.close();
});

test("where the file is missing, code stays plain and the page hears of no error", async () => {
  const [chunk] = (await readdir(join(root, "dist", "chunks"))).filter((name) => /^code-highlighter-.*\.js$/.test(name));
  missing.add(`/widget/chunks/${chunk}`);
  asked.length = 0;
  const { page, errors, coloured } = await ask("/module");
  await until(() => asked.some((url) => url.includes("highlight")), "the request");
  await page.waitForTimeout(300);
  expect(await coloured()).toBeNull();
  expect(await page.evaluate(`document.querySelector("chanl-chat").shadowRoot.querySelector("pre").textContent`)).toBe(
    "const answer = 42; // why\n",
  );
  // The browser's own line about the 404 is all there is.
  expect(errors.filter((error) => !error.includes("404"))).toEqual([]);
  await page.close();
  missing.clear();
});

test("without `math` TeX stays as it was written, and no typesetter is asked for", async () => {
  asked.length = 0;
  const { page, coloured } = await ask("/module");
  await until(async () => (await coloured()) === "const", "the colours");
  expect(await page.locator("chanl-chat .md").innerText()).toContain("Done: $x^2$.");
  expect(asked.some((url) => url.includes("math"))).toBe(false);
  await page.close();
});

test("a page without code does not ask for it", async () => {
  asked.length = 0;
  const page = await browser.newPage();
  await page.goto(`${origin}/module`);
  await page.waitForFunction(`customElements.get("chanl-chat")`);
  await page.waitForTimeout(200);
  expect(asked.some((url) => url.includes("highlight"))).toBe(false);
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
