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
    try {
      await route.fulfill({ response: await route.fetch({ url: `${gateway.origin}${pathname}${search}` }) });
    } catch (error) {
      // A test may end, and close its page, before the page has everything it asks for. What the page had is gone before it is closed.
      if (!page.isClosed() && !(await page.waitForEvent("close", { timeout: 5_000 }).catch(() => undefined))) throw error;
    }
  });
  await page.goto(`${SITE}/`);
}

/** A page of a site without HTTPS that embeds the widget. */
async function open(head: string, { script = "chanl-chat.js", mode = "inline", html = "<html>", more = "" } = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 900, height: 800 } });
  const type = script.endsWith("iife.js") ? "" : 'type="module"';
  const body = `<script ${type} src="/${script}"></script>
    <chanl-chat endpoint="/api/chat" agent-id="docs" mode="${mode}" ${more} style="display: block; height: 640px" name="Guide" greeting="Hello" starters="How do I embed the widget?"></chanl-chat>`;
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

/** As Bootstrap and Tailwind reset a page, `!important` where they have none. */
const FRAMEWORK_RESETS = `<style>
*,::before,::after{box-sizing:border-box;border:0 solid red!important;margin:0!important;padding:0!important}
html{line-height:1.15;tab-size:4;-webkit-text-size-adjust:none}
body{margin:0;font:italic 700 20px/1.9 serif;color:#c00;background:#fff;text-align:center;-webkit-font-smoothing:auto}
button,input,textarea,select{all:unset;font:inherit;letter-spacing:4px;text-transform:none;appearance:button}
h1,h2,h3,p,ol,ul,table,pre,code,a{all:unset!important} svg,img{display:block!important;max-width:10px!important}
dialog,section,form{display:none!important} [hidden]{display:none!important} :focus-visible{outline:9px solid lime!important}
</style>`;

test.each([
  ["resets", "<style>*{all:revert;box-sizing:content-box;font-size:40px!important;letter-spacing:3px}</style>"],
  ["frameworks' resets", FRAMEWORK_RESETS],
  ["a root of 10 px", "<style>html{font-size:62.5%}</style>"],
  [
    "floats and capitals",
    "<style>div{float:left!important;text-transform:uppercase} body{line-height:3;text-align:right;word-spacing:9px}</style>",
  ],
  ["a transformed body", "<style>body{transform:translateX(0)}</style>"],
  [
    "columns, writing mode of its own text, and quotes",
    "<style>body{columns:1;text-indent:40px;white-space:pre;hyphens:auto;quotes:'x' 'x'}</style>",
  ],
])("the host's %s do not reach the widget", async (_name, head) => {
  const clean = await open("");
  const hostile = await open(head);
  expect(await difference(await picture(clean), await picture(hostile))).toBeLessThanOrEqual(0.001);
  await clean.close();
  await hostile.close();
});

/** Its own direction and zoom are the page's business: beside a page that has nothing but these. */
test.each([
  ["zoom", "<style>body{zoom:.8}</style>"],
  ["direction", "<style>body{direction:rtl}</style>"],
])("with the page's own %s it is hurt no more than without", async (_name, head) => {
  const clean = await open(head, { html: '<html dir="auto">' });
  const hostile = await open(head + FRAMEWORK_RESETS, { html: '<html dir="auto">' });
  expect(await difference(await picture(clean), await picture(hostile))).toBeLessThanOrEqual(0.001);
  await clean.close();
  await hostile.close();
});

test("nothing on the page lies over it or undoes it, and opening it, focusing and asking leave the page where it is", async () => {
  const wall = `<style>*{all:unset!important} body{display:block!important;transform:translateX(0)!important;height:3000px!important}
    header{display:block!important;position:fixed!important;inset:0!important;z-index:2147483647!important;background:#fff!important}</style>`;
  const page = await open(wall, { mode: "floating" });
  await page.evaluate(() => document.body.prepend(document.createElement("header")));
  await page.evaluate(() => scrollTo(0, 700));
  const launcher = page.locator('chanl-chat [part~="launcher"]');
  await launcher.waitFor();
  const scrolled = (): Promise<number> => page.evaluate(() => scrollY);
  const before = await scrolled();
  expect(before).toBe(700);
  await launcher.click();
  await page.locator('chanl-chat [part~="composer"]').waitFor();
  expect(await scrolled()).toBe(before);
  await page.locator('chanl-chat [part~="input"]').click();
  expect(await scrolled()).toBe(before);
  await ask(page);
  expect(await scrolled()).toBe(before);
  const panel = (await page.locator('chanl-chat [part~="panel"]').boundingBox())!;
  expect([Math.round(panel.width), Math.round(panel.height)]).toEqual([400, 680]);
  const onTop = await page.evaluate(
    ([x, y]) => document.elementFromPoint(x!, y!)?.localName,
    [panel.x + panel.width / 2, panel.y + panel.height / 2],
  );
  expect(onTop).toBe("chanl-chat");
  await page.close();
});

test("in the layer of the page it is stacked where the page wants it, opens and closes by keyboard, and leaves the page where it is", async () => {
  const page = await open(
    `<style>body{height:3000px} chanl-chat{--chanl-z-index:5} header{display:none;position:fixed;inset:0;z-index:6;background:#fff}</style>`,
    { mode: "floating", more: 'layer="page"' },
  );
  await page.evaluate(() => {
    document.body.prepend(document.createElement("header"));
    scrollTo(0, 700);
  });
  const launcher = page.locator('chanl-chat [part~="launcher"]');
  const panel = page.locator('chanl-chat [part~="panel"]');
  await launcher.waitFor();
  expect(await panel.isVisible()).toBe(false);
  await launcher.focus();
  await page.keyboard.press("Enter");
  await panel.waitFor();
  await ask(page);
  await page.waitForTimeout(300);
  const box = (await panel.boundingBox())!;
  expect([Math.round(box.width), Math.round(box.height), Math.round(box.x + box.width)]).toEqual([400, 680, 880]);
  const onTop = (): Promise<string | undefined> =>
    page.evaluate(([x, y]) => document.elementFromPoint(x!, y!)?.localName, [box.x + box.width / 2, box.y + box.height / 2]);
  expect(await onTop()).toBe("chanl-chat");
  await page.evaluate(() => (document.querySelector("header")!.style.display = "block"));
  expect(await onTop()).toBe("header");
  await page.evaluate(() => (document.querySelector("header")!.style.display = ""));
  // A small viewport is filled, above everything; back in a large one it is where it was.
  await page.setViewportSize({ width: 400, height: 800 });
  await until(() => panel.evaluate((dialog) => dialog.matches(":modal")), "the chat to fill the viewport");
  await page.setViewportSize({ width: 900, height: 800 });
  await until(() => panel.evaluate((dialog) => dialog.matches("[open]:not(:modal)")), "the chat to be in the page again");
  expect(await page.locator("chanl-chat").evaluate((chat) => (chat as unknown as { open: boolean }).open)).toBe(true);
  await page.locator('chanl-chat [part~="input"]').press("Escape");
  await panel.waitFor({ state: "hidden" });
  expect(await page.evaluate(() => document.querySelector("chanl-chat")!.shadowRoot!.activeElement?.getAttribute("part"))).toBe("launcher");
  expect(await page.evaluate(() => scrollY)).toBe(700);
  // The page may think otherwise at any time.
  await page.evaluate(() => document.querySelector("chanl-chat")!.setAttribute("layer", "top"));
  await page.evaluate(() => document.querySelector("chanl-chat")!.toggleAttribute("open", true));
  await until(() => panel.evaluate((dialog) => dialog.matches(":popover-open")), "the chat in the top layer");
  await page.evaluate(() => document.querySelector("chanl-chat")!.setAttribute("layer", "page"));
  await until(() => panel.evaluate((dialog) => dialog.matches("[open]:not(:modal)")), "the chat in the page again");
  await page.evaluate(() => document.querySelector("chanl-chat")!.setAttribute("layer", "top"));
  await until(() => panel.evaluate((dialog) => dialog.matches(":popover-open")), "the chat in the top layer again");
  await page.close();
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
  const globals = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
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
  const known = new Set(globals);
  expect((await page.evaluate(() => Object.getOwnPropertyNames(globalThis))).filter((name) => !known.has(name))).toEqual([
    // A table that all copies of Lit share.
    "litPropertyMetadata",
  ]);
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
