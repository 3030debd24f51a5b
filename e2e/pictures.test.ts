/**
 * Every state of the gallery beside the picture of it that was looked at and found good, in both themes. Fonts, clock, time zone and
 * motion are fixed. `UPDATE_PICTURES=1` draws them anew; what differs is put into .cache/pictures.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { missingFonts } from "../scripts/install-fonts.mjs";
import { launchBrowser, until } from "./testing/browser.ts";
import { root, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const PICTURES = join(import.meta.dirname, "snapshots", "pictures");
const DIFFERENT = join(root, ".cache", "pictures");
/** Share of pixels; and how far a channel may be off, of 255: half a step of 17, and where a newer Chromium smooths an edge otherwise. */
const ALLOWED = 0.001;
const TOLERANCE = 24;
/** Long enough for the slowest script to have played; the clock is ours. */
const PLAYED_MS = 25_000;

const source = readFileSync(join(root, "demo", "states.ts"), "utf8");
const STATES = [...source.slice(source.indexOf("export const STATES")).matchAll(/^ {2}"?([\w-]+)"?: \{/gm)]
  .map(([, name]) => name!)
  .filter((name) => name !== "long");

let gateway: GatewayProcess;
let browser: Browser;
/** Codes and compares. */
let darkroom: Page;

beforeAll(async () => {
  gateway = await startGateway();
  browser = await launchBrowser();
  darkroom = await browser.newPage();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Lossless but for 16 steps a channel, which is a third of the bytes. */
const toWebp = async (png: Buffer): Promise<Buffer> => {
  const base64 = await darkroom.evaluate(async (data) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
    for (let at = 0; at < pixels.data.length; at++) pixels.data[at] = Math.round(pixels.data[at]! / 17) * 17;
    context.putImageData(pixels, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality: 1 })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, png.toString("base64"));
  return Buffer.from(base64, "base64");
};

/** Share of pixels that differ; 1 when the sizes do. */
const difference = (one: Buffer, other: Buffer): Promise<number> =>
  darkroom.evaluate(
    async ({ images, tolerance }) => {
      const [a, b] = await Promise.all(
        images.map(async (data) => {
          const bitmap = await createImageBitmap(await (await fetch(`data:image/webp;base64,${data}`)).blob());
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
          canvas.drawImage(bitmap, 0, 0);
          return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
        }),
      );
      if (a!.width !== b!.width || a!.height !== b!.height) return 1;
      let different = 0;
      for (let at = 0; at < a!.data.length; at += 4)
        if ([0, 1, 2].some((channel) => Math.abs(a!.data[at + channel]! - b!.data[at + channel]!) > tolerance)) different += 1;
      return different / (a!.width * a!.height);
    },
    { images: [one.toString("base64"), other.toString("base64")], tolerance: TOLERANCE },
  );

async function open(state: string): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 700, height: 720 },
    reducedMotion: "reduce",
    locale: "en-US",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  await page.clock.install({ time: new Date("2025-10-02T09:29:59Z") });
  await page.clock.pauseAt(new Date("2025-10-02T09:30:00Z"));
  await page.goto(`${gateway.origin}/?state=${state}&mode=panel`);
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('chanl-chat { --chanl-font: Inter; --chanl-font-mono: "JetBrains Mono" }');
    document.adoptedStyleSheets.push(sheet);
  });
  await page.locator('chanl-chat [part~="composer"]').waitFor();
  await page.clock.runFor(PLAYED_MS);
  if (state === "attachments") await page.locator('chanl-chat [part~="attachment-error"]').waitFor();
  else if (state === "dictation") await until(() => ticked(page, '[part~="speech-error"]'), "the part that listens to come");
  else if (state !== "empty") await page.locator('chanl-chat [part~="message"]').first().waitFor();
  // It comes as a part of its own, and a busy machine takes longer for it than what follows.
  if (state === "editing") await until(() => ticked(page, ".edit textarea"), "the field to edit in");
  // Parts of the widget come outside of the clock, and may need another tick of it. As many for all: a tool shows how long it runs.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 80));
    await page.clock.runFor(500);
  }
  return page;
}

/** Whether it is there after another tick of the stopped clock. */
async function ticked(page: Page, selector: string): Promise<boolean> {
  await page.clock.runFor(100);
  return (await page.locator(`chanl-chat ${selector}`).count()) > 0;
}

async function picture(page: Page, theme: "light" | "dark"): Promise<Buffer> {
  await page.evaluate((chosen) => (document.documentElement.dataset["theme"] = chosen), theme);
  return page.locator("chanl-chat").screenshot({ caret: "hide", animations: "disabled" });
}

const without = missingFonts();

describe.skipIf(without.length > 0)(`the look${without.length > 0 ? ` (skipped: no font ${without.join(", ")})` : ""}`, () => {
  test.each(STATES)("%s is what was looked at, light and dark", async (state) => {
    const page = await open(state);
    for (const theme of ["light", "dark"] as const) {
      const now = await toWebp(await picture(page, theme));
      const name = `${state}-${theme}.webp`;
      const file = join(PICTURES, name);
      if (process.env["UPDATE_PICTURES"]) {
        mkdirSync(PICTURES, { recursive: true });
        writeFileSync(file, now);
      }
      expect(existsSync(file), `${name} was looked at; UPDATE_PICTURES=1 draws it`).toBe(true);
      const share = await difference(readFileSync(file), now);
      if (share > ALLOWED) {
        mkdirSync(DIFFERENT, { recursive: true });
        writeFileSync(join(DIFFERENT, name), now);
      }
      expect(share, `share of pixels of ${name}, in Chromium ${browser.version()}`).toBeLessThanOrEqual(ALLOWED);
    }
    await page.context().close();
  });
});
