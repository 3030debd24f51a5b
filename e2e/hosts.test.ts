/** Pages the widget has to live in: hostile styles, no HTTPS, no modules, and a host that forgot half of the files. */
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { launchBrowser, until } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";

const SITE = "http://host.test";

let gateway: GatewayProcess;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ ALLOWED_ORIGINS: SITE });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** The site: a page of its own, and behind it the gateway under the site's own name: a name without an address has no network. */
async function serve(page: Page, html: string): Promise<void> {
  await page.route(`${SITE}/**`, async (route) => {
    const { pathname, search } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: html });
    const response = await route.fetch({ url: `${gateway.origin}${pathname}${search}` }).catch((error: unknown) => {
      // A test may end, and close its page, before the page has everything it asks for.
      if (page.isClosed()) return null;
      throw error;
    });
    return response ? route.fulfill({ response }) : undefined;
  });
  await page.goto(`${SITE}/`);
}

/** A page of a site without HTTPS that embeds the widget. */
async function open(head: string, { script = "chanl-chat.js", mode = "inline", html = "<html>" } = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  const type = script.endsWith("iife.js") ? "" : 'type="module"';
  const body = `<script ${type} src="/${script}"></script>
    <chanl-chat endpoint="/api/chat" agent-id="docs" mode="${mode}" style="display: block; height: 640px" name="Guide" greeting="Hello" starters="How do I embed the widget?"></chanl-chat>`;
  await serve(page, `<!doctype html>${html}<meta charset="utf-8"><title>Host</title>${head}<body style="margin: 0">${body}`);
  return page;
}

async function ask(page: Page): Promise<void> {
  const input = page.locator('chanl-chat [part~="input"]');
  await input.fill("How do I embed the widget?");
  await input.press("Enter");
  await page.locator('chanl-chat [part~="message-assistant"] [part~="actions"]').waitFor();
}

/** Share of pixels that differ visibly. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const page = await browser.newPage();
  const share = await page.evaluate(
    async (images) => {
      const [a, b] = await Promise.all(
        images.map(async (data) => {
          const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
          canvas.drawImage(bitmap, 0, 0);
          return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
        }),
      );
      if (a!.width !== b!.width || a!.height !== b!.height) return 1;
      let different = 0;
      for (let at = 0; at < a!.data.length; at += 4)
        if ([0, 1, 2].some((channel) => Math.abs(a!.data[at + channel]! - b!.data[at + channel]!) > 24)) different += 1;
      return different / (a!.data.length / 4);
    },
    [one.toString("base64"), other.toString("base64")],
  );
  await page.close();
  return share;
}

const picture = async (page: Page): Promise<Buffer> => {
  await page.locator('chanl-chat [part~="starter"]').waitFor();
  await page.waitForTimeout(300);
  return page.locator("chanl-chat").screenshot();
};

test.each([
  ["resets", "<style>*{all:revert;box-sizing:content-box;font-size:40px!important;letter-spacing:3px}</style>"],
  ["a root of 10 px", "<style>html{font-size:62.5%}</style>"],
  [
    "floats and capitals",
    "<style>div{float:left!important;text-transform:uppercase} body{line-height:3;text-align:right;word-spacing:9px}</style>",
  ],
  ["a transformed body", "<style>body{transform:translateX(0)}</style>"],
])("the host's %s do not reach the widget", async (_name, head) => {
  const clean = await open("");
  const hostile = await open(head);
  expect(await difference(await picture(clean), await picture(hostile))).toBeLessThanOrEqual(0.005);
  await clean.close();
  await hostile.close();
});

test("the widget's styles and names do not reach the host", async () => {
  const text = Array.from(
    { length: 200 },
    (_, at) =>
      `<${["p", "div", "button", "table", "h2"][at % 5]} class="msg btn panel">x</${["p", "div", "button", "table", "h2"][at % 5]}>`,
  ).join("");
  const look = (page: Page): Promise<string> =>
    page.evaluate(() => {
      const styles = [...document.querySelectorAll("main *")].map((element) =>
        [...getComputedStyle(element)].map((name) => getComputedStyle(element).getPropertyValue(name)).join(),
      );
      return JSON.stringify([styles, document.head.children.length]);
    });
  const page = await browser.newPage();
  await serve(page, `<!doctype html><title>Host</title><body><main>${text}</main>`);
  const before = await look(page);
  const globals = await page.evaluate(() => Object.keys(globalThis).length);
  await page.addScriptTag({ type: "module", url: "/chanl-chat.js" });
  await page.evaluate(() => {
    document.querySelector("script")?.remove();
    const chat = document.createElement("chanl-chat");
    chat.setAttribute("endpoint", "/api/chat");
    chat.setAttribute("mode", "floating");
    document.body.append(chat);
  });
  await page.locator('chanl-chat [part~="launcher"]').waitFor();
  expect(await look(page)).toBe(before);
  expect((await page.evaluate(() => Object.keys(globalThis).length)) - globals).toBeLessThanOrEqual(4);
  await page.close();
});

describe("answers", () => {
  test("on a site without HTTPS, in its own language, from the script's own folder", async () => {
    const requested: string[] = [];
    const page = await open("", { html: '<html lang="fr">' });
    page.on("request", (request) => requested.push(request.url()));
    await until(
      async () => (await page.locator('chanl-chat [part~="input"]').getAttribute("placeholder")) === "Écrivez un message…",
      "the words",
    );
    await ask(page);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    expect(requested.filter((url) => !url.startsWith(SITE))).toEqual([]);
    await page.close();
  });

  test("by the classic script", async () => {
    const page = await open("", { script: "chanl-chat.iife.js" });
    await ask(page);
    await page.close();
  });

  test("once the part that was missing is there, and says so until then", async () => {
    const page = await open("");
    await page.route("**/chunks/**", (route) => route.abort());
    const errors = page.evaluate(
      () =>
        new Promise((resolve) => addEventListener("chanl-error", (event) => resolve((event as CustomEvent<{ code: string }>).detail.code))),
    );
    const input = page.locator('chanl-chat [part~="input"]');
    await input.fill("How do I embed the widget?");
    await input.press("Enter");
    expect(await errors).toBe("network");
    await page.locator("chanl-chat").getByText("A part of the chat could not be loaded.").waitFor();
    await page.unroute("**/chunks/**");
    await page.locator("chanl-chat").getByRole("button", { name: "Retry" }).click();
    await page.locator('chanl-chat [part~="message-assistant"] [part~="actions"]').waitFor();
    expect(await page.locator('chanl-chat [part~="message-user"]').count()).toBe(1);
    await page.close();
  });
});
