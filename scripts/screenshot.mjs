// npm run screenshot: the README's picture, taken from the built page with a real answer in it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { chromium } from "playwright";

import { findChromium } from "./chromium.mjs";
import { ensureBuilt, ensureInstalled, root } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
const port = 3199;
const server = spawn(process.execPath, [join(root, "dist", "server", "main.js")], {
  env: { ...process.env, PORT: String(port), LOG_LEVEL: "silent" },
  stdio: ["ignore", "pipe", "inherit"],
});
await once(server.stdout, "data");
const browser = await chromium.launch({ executablePath: findChromium() ?? undefined, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1.5 });
await page.goto(`http://127.0.0.1:${port}/`);
const input = page.locator('[part~="input"]').first();
await input.fill("How do I embed the widget?");
await input.press("Enter");
await page.locator('[part~="message-assistant"] [part~="metrics"]').first().waitFor();
// From the question on, with the search the agent made.
await page
  .locator('[part~="log"]')
  .first()
  .evaluate((log) => (log.scrollTop = 0));
await page.locator("h1").first().click();
await page.waitForTimeout(400);
await page.screenshot({ path: join(root, "docs", "screenshot.png") });
await browser.close();
server.kill();
