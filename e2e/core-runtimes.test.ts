/** The built `chanl-chat/core` wherever JavaScript runs: Node, a page, a module worker and a module service worker ask the gateway and read the same answer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ChanlClient } from "../shared/index.ts";
import { launchBrowser, watchErrors } from "./testing/browser.ts";
import { root, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { startSite, type SiteAnswer, type Site } from "./testing/site.ts";

const QUESTION = "How do I embed the widget?";

/** One streamed chat, as every runtime runs it. */
const CHAT = `
export async function chat({ ChanlClient }, baseUrl) {
  const client = new ChanlClient({ baseUrl });
  let text = "";
  let tokens = 0;
  let end;
  for await (const chunk of client.chat.stream("docs", [{ role: "user", content: ${JSON.stringify(QUESTION)} }])) {
    if (chunk.type === "token") {
      text += chunk.content;
      tokens++;
    }
    end = chunk.type;
  }
  return { text, tokens, end };
}
`;

interface Answer {
  text: string;
  tokens: number;
  end: string;
}

const script = (body: string): SiteAnswer => ({ type: "text/javascript", body });

/** A site of its own beside the gateway: nothing but the built core and these modules. */
const PAGES: Readonly<Record<string, string | SiteAnswer>> = {
  "/": "<!doctype html><title>core</title>",
  "/favicon.ico": { type: "image/x-icon", body: "", status: 204 },
  "/chat.js": script(CHAT),
  "/worker.js": script(`
    import * as core from "/npm/core.js";
    import { chat } from "/chat.js";
    addEventListener("message", async ({ data }) => postMessage(await chat(core, data)));
  `),
  "/service-worker.js": script(`
    import * as core from "/npm/core.js";
    import { chat } from "/chat.js";
    addEventListener("message", (event) => {
      const [port] = event.ports;
      event.waitUntil(chat(core, event.data).then((answer) => port.postMessage(answer)));
    });
  `),
};

let gateway: GatewayProcess;
let browser: Browser;
let site: Site;
let expected = "";

beforeAll(async () => {
  [gateway, browser, site] = await Promise.all([startGateway(), launchBrowser(), startSite(PAGES, { "/npm/": "npm" })]);
  expected = (await new ChanlClient({ baseUrl: gateway.origin }).chat.send("docs", [{ role: "user", content: QUESTION }])).text;
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await gateway?.stop();
});

function expectAnswer(answer: Answer): void {
  expect(expected.length).toBeGreaterThan(200);
  expect(answer.text).toBe(expected);
  expect(answer.end).toBe("done");
  // Streamed, not sent at the end.
  expect(answer.tokens).toBeGreaterThan(10);
}

/** Runs a module in a Node of its own, by the name that users import. */
async function inNode(source: string): Promise<{ code: number; output: string; errors: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { cwd: root, env: { PATH: process.env["PATH"] } });
  let output = "";
  let errors = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, output, errors };
}

describe("in plain Node", () => {
  test("importing it touches no global of the DOM", async () => {
    const { output, errors } = await inNode(`
      const names = ["window", "self", "document", "customElements", "HTMLElement", "Element", "Node", "Document", "CSSStyleSheet", "localStorage",
        "sessionStorage", "location", "requestAnimationFrame", "MutationObserver", "IntersectionObserver", "matchMedia", "EventSource"];
      const touched = [];
      for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) });
      const before = new Set(Object.getOwnPropertyNames(globalThis));
      const core = await import("chanl-chat/core");
      const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name));
      console.log(JSON.stringify({ touched, added, client: typeof core.ChanlClient }));
    `);
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual({ touched: [], added: [], client: "function" });
  });

  test("a streamed chat gives the answer, and the process ends by itself", async () => {
    const { code, output, errors } = await inNode(`
      import * as core from "chanl-chat/core";
      ${CHAT}
      console.log(JSON.stringify(await chat(core, ${JSON.stringify(gateway.origin)})));
    `);
    expect(errors).toBe("");
    expect(code).toBe(0);
    expectAnswer(JSON.parse(output) as Answer);
  });
});

/** A script that Vitest must not compile: it runs in the browser as it is written. */
async function inBrowser(source: string): Promise<Answer> {
  const page: Page = await browser.newPage();
  const errors = watchErrors(page);
  try {
    await page.goto(site.origin);
    const answer = (await page.evaluate(`(async (gateway) => {${source}})(${JSON.stringify(gateway.origin)})`)) as Answer;
    expect(errors).toEqual([]);
    return answer;
  } finally {
    await page.close();
  }
}

describe("in Chromium", () => {
  test("in a page", async () => {
    expectAnswer(await inBrowser(`return (await import("/chat.js")).chat(await import("/npm/core.js"), gateway);`));
  });

  test("in a module worker", async () => {
    expectAnswer(
      await inBrowser(`
        const worker = new Worker("/worker.js", { type: "module" });
        return new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message || "The worker did not load."));
          worker.postMessage(gateway);
        });
      `),
    );
  });

  test("in a module service worker", async () => {
    expectAnswer(
      await inBrowser(`
        await navigator.serviceWorker.register("/service-worker.js", { type: "module" });
        const { active } = await navigator.serviceWorker.ready;
        const { port1, port2 } = new MessageChannel();
        return new Promise((resolve) => {
          port1.onmessage = ({ data }) => resolve(data);
          active.postMessage(gateway, [port2]);
        });
      `),
    );
  });
});
