/** The script tag of a release: the browser takes the file that was released, and no other. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { launchBrowser } from "./testing/browser.ts";
import { root } from "./testing/gateway-process.ts";
import { startSite } from "./testing/site.ts";

const dist = (name: string): string => readFileSync(join(root, "dist", name), "utf8");
const { version, files } = JSON.parse(dist("integrity.json")) as { version: string; files: Record<string, string> };

test("each script has the SHA-384 that is written down, under the version of the package", () => {
  expect(version).toBe((JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version);
  expect(Object.keys(files)).toEqual(["chanl-chat.js", "chanl-chat.iife.js", "embed.js"]);
  for (const [name, integrity] of Object.entries(files))
    expect(integrity, name).toBe(`sha384-${createHash("sha384").update(dist(name)).digest("base64")}`);
});

test("a browser runs it with that integrity, and does not when a single character is another", async () => {
  const code = dist("chanl-chat.js");
  const html = `<!doctype html><title>x</title><script type="module" src="/chanl-chat.js" integrity="${files["chanl-chat.js"]}" crossorigin="anonymous"></script>`;
  const browser = await launchBrowser();
  for (const [body, runs] of [
    [code, true],
    [`${code} `, false],
  ] as const) {
    const site = await startSite({ "/": html, "/chanl-chat.js": { type: "text/javascript", body } });
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    expect(await page.evaluate(() => customElements.get("chanl-chat") !== undefined), `one more character: ${!runs}`).toBe(runs);
    await page.close();
    await site.close();
  }
  await browser.close();
});
