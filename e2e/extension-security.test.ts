/** What a web page, an injected script and hostile text can do to the extension: nothing. In the built extension, with and without its content policy. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openAiCall, openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchExtension, until, watchErrors, type ExtensionBrowser } from "./testing/browser.ts";
import { root, startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { answerText, ask, decide, openPanel } from "./testing/panel.ts";
import { startSite, type Site } from "./testing/site.ts";
import { extensionVariant } from "./testing/variant.ts";

let canary: Site;
let site: Site;
let provider: ReplayProvider;
let gateway: GatewayProcess;

/** Markup and addresses that run or load where text is taken for markup. `X` marks a run, `CANARY` a request. */
const payloads = (): string[] => {
  const url = `${canary.origin}/x`;
  const run = "document.title='X'";
  const tags = [
    "img",
    "svg",
    "video",
    "audio",
    "input autofocus",
    "details open",
    "iframe",
    "object",
    "embed",
    "body",
    "marquee",
    "select autofocus",
    "textarea autofocus",
    "video><source",
    "isindex",
  ];
  const handlers = ["onerror", "onload", "onfocus", "ontoggle"];
  const elements = tags.flatMap((tag) => handlers.map((handler) => `<${tag} src=${url} data=${url} ${handler}="${run}">`));
  return [
    ...elements,
    `<script>${run}</script>`,
    `<script src="${url}"></script>`,
    `<link rel=stylesheet href="${url}">`,
    `<style>@import "${url}";*{background:url(${url})}</style>`,
    `<base href="${url}/">`,
    `<meta http-equiv=refresh content="0;url=${url}">`,
    `<a href="javascript:${run}">a</a>`,
    `[a](javascript:${run})`,
    `[a](data:text/html,<script>${run}</script>)`,
    `![a](${url})`,
    `![a][r]\n\n[r]: ${url}`,
    `<iframe srcdoc="<script>parent.${run}</script>">`,
    `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${run}&gt;">`,
    `<form action="${url}"><button formaction="${url}">b</button></form>`,
    `"><img src=${url} onerror=${run}>`,
    `\${document.title='X'} {{constructor.constructor("${run}")()}}`,
  ];
};

beforeAll(async () => {
  canary = await startSite({ "/x": { type: "text/javascript", body: "document.title='X'" } });
  site = await startSite({ "/": `<p>${"Words about boats. ".repeat(20)}</p><label>Name <input name="a"></label>` });
  provider = await startReplayProvider();
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
});

afterAll(async () => {
  await gateway?.stop();
  await provider?.close();
  await site?.close();
  await canary?.close();
});

async function start(extension: ExtensionBrowser): Promise<{ page: Page; panel: Page }> {
  await extension.worker.evaluate((server) => chrome.storage.sync.set({ server }), gateway.origin);
  const page = extension.context.pages()[0] ?? (await extension.context.newPage());
  await page.goto(site.origin);
  return { page, panel: await openPanel(extension, page) };
}

describe.each(["with the content policy it ships with", "with none, so that what draws is safe by itself"])("%s", (which) => {
  let folder: string | null = null;
  let extension: ExtensionBrowser;
  let page: Page;
  let panel: Page;
  let violations: string[];

  beforeAll(async () => {
    if (!which.startsWith("with the")) {
      folder = await extensionVariant((manifest) => ({
        ...manifest,
        content_security_policy: { extension_pages: "script-src 'self'; object-src 'self'" },
      }));
    }
    extension = await launchExtension(folder === null ? {} : { extension: folder });
    ({ page, panel } = await start(extension));
    violations = watchErrors(panel);
  });

  afterAll(async () => {
    await extension?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test("hostile text in answers, titles, element names, tool arguments and imports runs nothing and loads nothing", async () => {
    const texts = payloads();
    expect(texts.length).toBeGreaterThanOrEqual(60);
    const before = canary.requests.length;
    provider.reply({ slices: openAiText(texts.map((text) => `${text}\n\n`)) });
    await ask(panel, texts[0]!);
    await until(async () => (await answerText(panel)).length > 200, "the answer");

    await page.evaluate((all) => {
      document.title = all.join("");
      document.querySelector("label")!.firstChild!.textContent = `Name ${all.slice(0, 4).join("")}`;
    }, texts);
    provider.reply(
      { slices: openAiCall("fill_field", [JSON.stringify({ name: "Name", value: texts.join("\n") })], "call_x") },
      { slices: openAiText(["END"]) },
    );
    await ask(panel, "Fill it in");
    await panel.locator(".ask").waitFor();
    expect(await panel.locator(".ask .value").innerText()).toContain("<script>");
    await decide(panel, "Don’t allow");
    await until(async () => (await answerText(panel)) === "END", "the end");

    const options = await extension.context.newPage();
    const optionsErrors = watchErrors(options);
    await options.goto(`chrome-extension://${extension.id}/options/index.html`);
    const hostile = texts.join("\n");
    const imported = {
      format: "chanl-chat",
      v: 1,
      prompts: [{ id: "p", name: "x", text: hostile.slice(0, 9_000) }],
      settings: { server: gateway.origin },
      conversations: [
        {
          id: hostile.slice(0, 200),
          title: hostile,
          createdAt: Date.now(),
          updatedAt: Date.now(),
          messages: [
            {
              id: "m",
              role: "user",
              status: "complete",
              createdAt: 1,
              parts: [
                { type: "context", id: "c", kind: "page", title: hostile, url: "javascript:alert(1)", text: hostile },
                { type: "text", text: hostile },
              ],
            },
            {
              id: "n",
              role: "assistant",
              status: "complete",
              createdAt: 1,
              parts: [
                { type: "text", text: hostile },
                { type: "tool_call", index: 0, id: "t", name: hostile, argumentsText: hostile, state: "failed", error: hostile },
                { type: "source", id: "s", title: hostile, url: "javascript:document.title='X'" },
              ],
            },
          ],
        },
      ],
    };
    await options
      .locator("#file")
      .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(imported)) });
    await options.getByText("Imported: 1 conversations").waitFor();
    await options.reload();
    await options.locator("#log td").first().waitFor();
    expect(await options.title()).not.toBe("X");
    expect(optionsErrors).toEqual([]);
    await options.close();
    await page.bringToFront();
    await panel.getByRole("button", { name: "History" }).click();
    await panel.locator("dialog.history .title").filter({ hasText: "<img" }).first().click();
    await until(async () => (await panel.locator("dialog.history").count()) === 0, "the history to close");
    await until(async () => (await panel.locator('[part~="context"]').count()) === 1, "the imported conversation");
    await panel.waitForTimeout(300);

    expect(await panel.title()).not.toBe("X");
    expect(canary.requests.length).toBe(before);
    expect(
      await panel.evaluate(
        () =>
          document
            .querySelector("chanl-chat")!
            .shadowRoot!.querySelectorAll("script, iframe, object, embed, img, [onerror], [onload], a[href^='javascript']").length,
      ),
    ).toBe(0);
    // Nothing was even tried: the policy had nothing to report.
    expect(violations).toEqual([]);
  });
});

describe("from outside", () => {
  let extension: ExtensionBrowser;
  let page: Page;
  let panel: Page;

  /** Another extension in the same browser. */
  let stranger: string;

  beforeAll(async () => {
    stranger = await mkdtemp(join(tmpdir(), "chanl-stranger-"));
    await writeFile(join(stranger, "manifest.json"), JSON.stringify({ manifest_version: 3, name: "stranger", version: "1" }));
    await writeFile(join(stranger, "page.html"), "<!doctype html><title>stranger</title>");
    extension = await launchExtension({ extension: `${join(root, "dist", "extension")},${stranger}` });
    ({ page, panel } = await start(extension));
  });

  afterAll(async () => {
    await extension?.close();
    await rm(stranger, { recursive: true, force: true });
  });

  test("another extension, whatever it sends, reaches nobody and changes nothing", async () => {
    // Chrome names an unpacked extension after its folder.
    const hex = createHash("sha256").update(stranger).digest("hex").slice(0, 32);
    const id = hex.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
    const theirs = await extension.context.newPage();
    await theirs.goto(`chrome-extension://${id}/page.html`);
    const errors = watchErrors(panel);
    const before = await panel.evaluate(async () => [await chrome.storage.session.get(), await chrome.storage.sync.get()]);
    const answers = await theirs.evaluate(async (to) => {
      const intent = { kind: "question", text: "send everything", at: Date.now() };
      const told: string[] = [];
      for (const message of [intent, { type: "approve" }, { v: 1, type: "unknown", payload: 7 }, "x".repeat(1_000_000), null]) {
        told.push(
          await chrome.runtime.sendMessage(to, message).then(
            (answer: unknown) => `answered ${JSON.stringify(answer)}`,
            (error: unknown) => String(error),
          ),
        );
      }
      const port = chrome.runtime.connect(to);
      told.push(
        await new Promise<string>((resolve) => port.onDisconnect.addListener(() => resolve(chrome.runtime.lastError?.message ?? "cut"))),
      );
      told.push(
        await fetch(`chrome-extension://${to}/manifest.json`).then(
          () => "read",
          () => "not read: Receiving end does not exist",
        ),
      );
      return told;
    }, extension.id);
    expect(answers).toHaveLength(7);
    for (const one of answers) expect(one).toMatch(/Receiving end does not exist|message port closed/);
    expect(await panel.evaluate(async () => [await chrome.storage.session.get(), await chrome.storage.sync.get()])).toEqual(before);
    expect(errors).toEqual([]);
    await theirs.close();
    await page.bringToFront();
  });

  test("a token is in one place and goes to one server: no store, page, log, error, export or request to another holds it", async () => {
    const token = "secret-token-0815";
    const logged: string[] = [];
    for (const where of [panel, page]) where.on("console", (message) => logged.push(message.text()));
    const options = await extension.context.newPage();
    options.on("console", (message) => logged.push(message.text()));
    await options.goto(`chrome-extension://${extension.id}/options/index.html`);
    await options.getByLabel("Access token").fill(token);
    await options.getByRole("button", { name: "Save", exact: true }).click();
    await options.getByText("Saved.").waitFor();
    // A full run: an answer, a tool, an error, the doctor.
    await page.bringToFront();
    provider.reply({ slices: openAiCall("fill_field", ['{"name":"Name","value":"Ada"}'], "call_t") }, { slices: openAiText(["Filled."]) });
    await ask(panel, "Fill it in");
    await decide(panel, "Allow");
    await until(async () => (await answerText(panel)) === "Filled.", "the answer");
    provider.reply({ status: 400, slices: ['{"error":{"message":"no"}}'] });
    await ask(panel, "Fail");
    await panel.getByText("Something went wrong").first().waitFor();
    await options.getByRole("button", { name: "Test connection" }).click();
    await options.locator("[data-finding]").waitFor();
    const holds = await options.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve) => {
        const opening = indexedDB.open("chanl-chat");
        opening.addEventListener("success", () => resolve(opening.result));
      });
      const stores = await Promise.all(
        [...database.objectStoreNames].map(
          (name) =>
            new Promise<unknown>((resolve) => {
              const all = database.transaction(name).objectStore(name).getAll();
              all.addEventListener("success", () => resolve(all.result));
            }),
        ),
      );
      database.close();
      const { local, sync, session } = chrome.storage;
      return {
        local: await local.get(),
        others: JSON.stringify([
          await sync.get(),
          await session.get(),
          Object.entries(localStorage),
          Object.entries(sessionStorage),
          stores,
        ]),
        page: document.documentElement.outerHTML + Array.from(document.querySelectorAll("input"), ({ value }) => value).join(),
      };
    });
    const kept = Object.entries(holds.local).filter(([, value]) => JSON.stringify(value).includes(token));
    expect(kept).toEqual([[`token:${gateway.origin}`, token]]);
    expect(holds.others).toContain("Fill it in");
    const chat = await panel.evaluate(
      () => document.documentElement.outerHTML + document.querySelector("chanl-chat")!.shadowRoot!.innerHTML,
    );
    for (const place of [
      holds.others,
      holds.page,
      chat,
      logged.join(),
      gateway.output(),
      await page.content(),
      JSON.stringify(provider.calls),
    ])
      expect(place).not.toContain(token);
    await options.close();
    await page.bringToFront();
  });

  test("a web page cannot tell that the extension is there: no file of it can be fetched, framed or shown, and it has nobody to talk to", async () => {
    const folder = join(root, "dist", "extension");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length));
    expect(files.length).toBeGreaterThan(20);
    const reached = await page.evaluate(
      async ([id, paths]) => {
        const found: string[] = [];
        for (const path of paths) {
          const url = `chrome-extension://${id}${path}`;
          if (
            await fetch(url).then(
              () => true,
              () => false,
            )
          )
            found.push(`fetch ${path}`);
          const image = new Image();
          const shown = new Promise<boolean>((resolve) => {
            image.addEventListener("load", () => resolve(true));
            image.addEventListener("error", () => resolve(false));
          });
          image.src = url;
          if (await shown) found.push(`image ${path}`);
        }
        const { runtime } = (globalThis as { chrome?: { runtime?: unknown } }).chrome ?? {};
        if (runtime) found.push("runtime");
        return found;
      },
      [extension.id, files] as const,
    );
    expect(reached).toEqual([]);
    // Nor does its being open leave anything in the page.
    expect(
      await page.evaluate(() => [
        document.documentElement.attributes.length,
        document.querySelectorAll("body > :not(p, label)").length,
        document.adoptedStyleSheets.length,
      ]),
    ).toEqual([1, 0, 0]);
  });

  test("a script injected into a page reads nothing of the extension's storage, and its messages reach nobody", async () => {
    await panel.evaluate(() => chrome.storage.local.set({ "token:https://example.com": "secret" }));
    const seen = await panel.evaluate(async () => {
      const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
      const [frame] = await chrome.scripting.executeScript({
        target: { tabId: tab!.id! },
        func: async () => {
          const tries: string[] = [];
          for (const area of ["local", "sync", "session"] as const) {
            try {
              tries.push(JSON.stringify(await chrome.storage[area].get()));
            } catch (error) {
              tries.push(String(error));
            }
          }
          for (const message of [{ type: "approve" }, { v: 1, type: "intent" }, "x".repeat(1_000_000), null]) {
            try {
              tries.push(`answered ${JSON.stringify(await chrome.runtime.sendMessage(message))}`);
            } catch (error) {
              tries.push(String(error));
            }
          }
          return tries;
        },
      });
      return frame?.result ?? [];
    });
    expect(seen).toHaveLength(7);
    for (const one of seen.slice(0, 3)) expect(one).toMatch(/Access to storage is not allowed|Cannot read properties of undefined/);
    for (const one of seen.slice(3)) expect(one).toMatch(/Receiving end does not exist|message port closed/);
  });

  test("an open panel that nobody uses makes no request", async () => {
    const requests: string[] = [];
    panel.on("request", (request) => requests.push(request.url()));
    const connections = site.requests.length + canary.requests.length;
    const calls = provider.calls.length;
    await panel.waitForTimeout(Number(process.env["CHANL_IDLE_MS"] ?? 5_000));
    expect(requests.filter((url) => !url.startsWith("chrome-extension:"))).toEqual([]);
    expect(site.requests.length + canary.requests.length).toBe(connections);
    expect(provider.calls.length).toBe(calls);
  });

  test("installing it shows no permission warning", async () => {
    const warnings = await extension.context
      .serviceWorkers()[0]!
      .evaluate(
        () =>
          new Promise((resolve) =>
            chrome.management.getPermissionWarningsByManifest(JSON.stringify(chrome.runtime.getManifest()), resolve),
          ),
      );
    expect(warnings).toEqual([]);
  });
});
