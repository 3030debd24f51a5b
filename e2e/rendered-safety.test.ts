/**
 * Hostile Markdown through the built renderer, at every prefix, in a page without any policy and in one with the strictest:
 * what the browser itself reports and requests is counted, not what we think it does.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { launchBrowser } from "./testing/browser.ts";
import { root } from "./testing/gateway-process.ts";
import { startSite, type Site } from "./testing/site.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types lit-html";

const file = join(process.env["CHANL_FIXTURES"] ?? resolve(root, "../shared/fixtures"), "xss/xss-cases.json");
const payloads = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { cases: { payload: string }[] }).cases : [];

/** In the page: draws a payload up to every prefix, and names whatever is not in the closed table. */
const DRAW = `
import { TokenRenderer } from "/npm/core.js";
const ELEMENTS = new Set("A BLOCKQUOTE BR BUTTON CODE DEL DIV EM H3 H4 H5 H6 HR INPUT LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL".split(" "));
const ATTRIBUTES = new Set("aria-expanded aria-hidden aria-label aria-pressed checked class dir disabled hidden href part rel role scope start tabindex target title type".split(" "));
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
window.reports = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, sample }) => reports.push(violatedDirective + " " + sample));
window.draw = (payload) => {
  const found = new Set();
  const step = Math.ceil(payload.length / 400);
  const host = document.createElement("div");
  document.body.append(host);
  const renderer = new TokenRenderer(host, { caret: true });
  for (let at = 0; at < payload.length + step; at += step) {
    if (at < payload.length) renderer.append(payload.slice(at, at + step));
    else renderer.end();
    renderer.flush();
    for (const element of host.querySelectorAll("*")) {
      if (!ELEMENTS.has(element.tagName)) found.add("<" + element.tagName + ">");
      for (const { name, value } of element.attributes) if (!ATTRIBUTES.has(name)) found.add(name + "=" + value);
      if (element.tagName === "A" && !element.getAttribute("href").startsWith("#") && !SCHEMES.has(element.protocol)) found.add(element.href);
    }
  }
  host.remove();
  return [...found];
};
window.ready = true;
`;

const PAGE = '<!doctype html><title>x</title><link rel="icon" href="data:,"><body><script type="module" src="/draw.js"></script>';

let site: Site;
let browser: Browser;

beforeAll(async () => {
  const pages = {
    "/open": PAGE,
    "/strict": { type: "text/html", headers: { "Content-Security-Policy": POLICY }, body: PAGE },
    "/draw.js": { type: "text/javascript", body: DRAW },
  };
  [site, browser] = await Promise.all([startSite(pages, { "/npm/": "npm" }), launchBrowser({ expectsReports: true })]);
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

describe.skipIf(payloads.length === 0)(payloads.length > 0 ? "public payload lists" : `public payload lists (skipped: no ${file})`, () => {
  test.each([
    ["without any policy", "/open"],
    ["under the strictest policy", "/strict"],
  ])("run nothing, load nothing and report nothing %s", async (_, path) => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(site.origin + path);
    await page.waitForFunction("window.ready");
    page.on("request", (request) => complaints.push(`request: ${request.url()}`));
    page.on("framenavigated", (frame) => complaints.push(`navigated: ${frame.url()}`));
    for (const { payload } of payloads) {
      const found = await page.evaluate((text) => (globalThis as unknown as { draw(text: string): string[] }).draw(text), payload);
      expect(found, payload).toEqual([]);
    }
    await page.waitForTimeout(300);
    expect(complaints).toEqual([]);
    // The watch works: in the strict page what is forbidden is reported.
    expect(await page.evaluate("window.reports")).toEqual([]);
    if (path === "/strict") {
      await page.evaluate("try { document.body.innerHTML = '<b>x</b>' } catch {}");
      await page.waitForFunction("window.reports.length === 1");
    }
    await page.close();
  });
});
