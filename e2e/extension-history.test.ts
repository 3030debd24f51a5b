/** Conversations that stay: search, names, pins, export and import, one writer, and deleting everything. */
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openAiText, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { until, type ExtensionBrowser } from "./testing/browser.ts";
import { answerText, ask, closePanel, openPanel, stored } from "./testing/panel.ts";
import { startPanelScene, type PanelScene } from "./testing/panel-scene.ts";

const TOKEN = "secret-token-4711";

let scene: PanelScene;
let provider: ReplayProvider;
let extension: ExtensionBrowser;
let page: Page;
let panel: Page;

beforeAll(async () => {
  scene = await startPanelScene({ theme: "dark" });
  ({ provider, extension, page } = scene);
  provider.reply({ slices: openAiText(["Tides ", "rise."]) });
  await page.goto(`${scene.gateway.origin}/react.html`);
  panel = await openPanel(extension, page);
});

afterAll(async () => {
  await scene?.close();
});

async function converse(question: string): Promise<void> {
  await panel.getByRole("button", { name: "New conversation" }).click();
  await ask(panel, question);
  await until(async () => (await answerText(panel)) === "Tides rise.", "the answer");
}

const options = async (): Promise<Page> => {
  const opened = await extension.context.newPage();
  await opened.goto(`chrome-extension://${extension.id}/options/index.html`);
  await opened.getByRole("button", { name: "Delete all data" }).waitFor();
  // Another connection to this browser would dismiss a dialog before this one accepts it.
  await opened.evaluate(() => void (globalThis.confirm = () => true));
  return opened;
};

const history = async (): Promise<void> => {
  await panel.getByRole("button", { name: "History" }).click();
  await panel.locator("dialog.history").waitFor();
};

const titles = (): Promise<string[]> => panel.locator("dialog.history .title span").allInnerTexts();

test("what was said is listed, latest first, and found by a word of an answer or a question", async () => {
  await converse("How do harbours work?");
  await converse("And lighthouses?");
  await history();
  expect(await titles()).toEqual(["And lighthouses?", "How do harbours work?"]);
  const search = panel.getByRole("searchbox");
  await search.fill("harb");
  await until(async () => (await titles()).length === 1, "one found");
  expect(await titles()).toEqual(["How do harbours work?"]);
  await search.fill("tides rise");
  await until(async () => (await titles()).length === 2, "both found");
  await search.fill("nothing of this");
  await panel.getByText("Nothing found.").waitFor();
  await search.fill("");
});

test("a conversation is renamed, pinned to the front, opened, and keeps its name when it goes on", async () => {
  const row = panel.locator("dialog.history li").filter({ hasText: "harbours" });
  await row.getByRole("button", { name: "Rename" }).click();
  await panel.locator("dialog.history li input").fill("Harbours");
  await panel.getByRole("button", { name: "Save" }).click();
  await panel.locator("dialog.history li").filter({ hasText: "Harbours" }).getByRole("button", { name: "Pin" }).click();
  await until(async () => (await titles())[0] === "Harbours", "the pinned one first");
  await panel.locator("dialog.history .title").first().click();
  await until(async () => (await panel.locator("dialog.history").count()) === 0, "the history to close");
  await until(
    async () => (await panel.locator('[part~="message-user"]').innerText()).includes("How do harbours work?"),
    "the conversation",
  );
  await ask(panel, "Go on");
  await until(
    async () => (await panel.locator('[part~="message-user"]').count()) === 2 && (await answerText(panel)) === "Tides rise.",
    "the answer",
  );
  await history();
  expect((await titles())[0]).toBe("Harbours");
  await panel.getByRole("button", { name: "Close", exact: true }).click();
});

test("a second window does not write the same conversation, and says so", async () => {
  const second = await extension.context.newPage();
  const other = await second
    .evaluateHandle(() => null)
    .then(async () => {
      const worker = extension.context.serviceWorkers()[0]!;
      const [opening] = await Promise.all([
        extension.context.waitForEvent("page"),
        worker.evaluate((url) => chrome.windows.create({ url }).then(() => undefined), `${scene.gateway.origin}/react.html?second`),
      ]);
      return opening;
    });
  await second.close();
  await other.waitForLoadState();
  await other.bringToFront();
  await extension.clickAction(other);
  const found = await extension.panels(2);
  const isEmpty = await Promise.all(found.map(async (each) => (await each.locator('[part~="message-user"]').count()) === 0));
  const theirs = found[isEmpty.indexOf(true)];
  const ours = found[isEmpty.indexOf(false)];
  if (!theirs || !ours) throw new Error("no second panel");
  panel = ours;
  await theirs.locator('[part~="input"]').waitFor();
  await theirs.getByRole("button", { name: "History" }).click();
  await theirs.locator("dialog.history .title").filter({ hasText: "Harbours" }).click();
  await theirs.getByText("open in another window").waitFor();
  // Both write at once: nothing is lost.
  await theirs.getByRole("button", { name: "Close", exact: true }).click();
  const before = (await stored(panel, "transcripts")).length;
  await Promise.all([ask(theirs, "From the second window"), ask(panel, "From the first window")]);
  await until(async () => JSON.stringify(await stored(panel, "transcripts")).split("Tides ").length > 5, "both answers stored").catch(
    () => undefined,
  );
  await until(async () => {
    const text = JSON.stringify(await stored(panel, "transcripts"));
    return text.includes("From the second window") && text.includes("From the first window");
  }, "both to be stored");
  expect((await stored(panel, "transcripts")).length).toBe(before + 1);
  // Toggling one leaves the other.
  await extension.clickAction(other);
  await until(async () => theirs.isClosed(), "the second panel to close");
  expect(panel.isClosed()).toBe(false);
  await other.close();
});

test("an export holds everything but the token; wiped and imported again it is the same", async () => {
  const settings = await options();
  await settings.getByLabel("Access token").fill(TOKEN);
  await settings.getByRole("button", { name: "Save", exact: true }).click();
  await settings.getByText("Saved.").waitFor();
  await settings.locator("#prompts [name=name]").last().fill("tidy");
  await settings.locator("#prompts [name=text]").last().fill("Tidy {{selection}}");
  await settings.getByRole("button", { name: "Add command" }).click();
  await settings.locator("#prompts form").nth(1).waitFor();
  const download = async (): Promise<Record<string, unknown>> => {
    // Another connection to this browser takes the downloads, so what would be downloaded is read where it is made.
    await settings.evaluate(() => {
      const createObjectURL = URL.createObjectURL.bind(URL);
      URL.createObjectURL = (blob) => {
        (globalThis as { made?: unknown }).made = blob;
        return createObjectURL(blob);
      };
    });
    await settings.getByRole("button", { name: "Export" }).click();
    await settings.waitForFunction(() => "made" in globalThis);
    const text = await settings.evaluate(async () => {
      const { made } = globalThis as unknown as { made?: Blob };
      delete (globalThis as { made?: unknown }).made;
      return (await made?.text()) ?? "";
    });
    return JSON.parse(text) as Record<string, unknown>;
  };
  const exported = await download();
  expect((exported["conversations"] as unknown[]).length).toBe(3);
  expect(JSON.stringify(exported)).not.toContain(TOKEN);
  expect(exported["prompts"]).toMatchObject([{ name: "tidy" }]);

  // The token is in one place, on this machine, and nowhere in a page.
  const areas = await settings.evaluate(async () =>
    JSON.stringify([
      await chrome.storage.sync.get(),
      await chrome.storage.session.get(),
      Object.keys(localStorage),
      document.documentElement.outerHTML,
    ]),
  );
  expect(areas).not.toContain(TOKEN);
  expect(await settings.getByLabel("Access token").inputValue()).toBe("");

  await closePanel(extension, page);
  await settings.bringToFront();
  await settings.getByRole("button", { name: "Delete all data" }).click();
  await settings.getByText("Everything was deleted.").waitFor();
  const left = await settings.evaluate(async () => [
    await chrome.storage.local.get(),
    await chrome.storage.sync.get(),
    await chrome.storage.session.get(),
    Object.keys(localStorage),
  ]);
  expect(left).toEqual([{}, {}, {}, []]);
  for (const store of ["conversations", "transcripts", "prompts", "audit"]) expect(await stored(settings, store), store).toEqual([]);

  await settings
    .locator("#file")
    .setInputFiles({ name: "export.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(exported)) });
  await settings.getByText("Imported: 3 conversations, 1 commands.").waitFor();
  expect(await download()).toEqual(exported);

  await settings
    .locator("#file")
    .setInputFiles({ name: "bad.json", mimeType: "application/json", buffer: Buffer.from('{"format":"chanl-chat","v":9}') });
  await settings.getByText("This file has version 9").waitFor();
  expect(await download()).toEqual(exported);
  await settings.close();
});

test("deleting everything with a panel open leaves nothing that the panel brings back", async () => {
  panel = await openPanel(extension, page);
  await ask(panel, "Once more");
  await until(async () => (await answerText(panel)) === "Tides rise.", "the answer");
  const settings = await options();
  await settings.getByRole("button", { name: "Delete all data" }).click();
  await settings.getByText("Everything was deleted.").waitFor();
  await settings.waitForTimeout(1_500);
  expect(await stored(settings, "transcripts")).toEqual([]);
  const left = await settings.evaluate(async () => [
    await chrome.storage.local.get(),
    await chrome.storage.sync.get(),
    Object.keys(localStorage),
  ]);
  expect(left).toEqual([{}, {}, []]);
  await settings.close();
});

test("when there is no more room the chat goes on and says what is not kept", async () => {
  await page.bringToFront();
  await closePanel(extension, page);
  await extension.context.serviceWorkers()[0]!.evaluate((server) => chrome.storage.sync.set({ server }), scene.gateway.origin);
  panel = await openPanel(extension, page);
  // The settings of a store without a version are brought up to date, which is no reason to begin anew.
  await until(() => panel.evaluate(async () => "version" in (await chrome.storage.sync.get())), "the version to be stored");
  // Chrome takes no smaller quota for an extension's origin over its protocol, so the store refuses as it does then.
  await panel.evaluate(() => {
    const put = Reflect.get(IDBObjectStore.prototype, "put") as unknown;
    Object.assign(globalThis, { makeRoom: () => void Object.assign(IDBObjectStore.prototype, { put }) });
    const full = (): never => {
      throw new DOMException("full", "QuotaExceededError");
    };
    Object.assign(IDBObjectStore.prototype, { put: full });
  });
  await ask(panel, "Does this fit?");
  await until(async () => (await answerText(panel)) === "Tides rise.", "the answer");
  await panel.getByText("There is no more room to store conversations.").waitFor();
  await panel.evaluate(() => (globalThis as unknown as { makeRoom: () => void }).makeRoom());
  // With room again, what was said meanwhile is kept with the next answer.
  await ask(panel, "And now?");
  await until(async () => JSON.stringify(await stored(panel, "transcripts")).includes("Does this fit?"), "both questions to be stored");
  await panel.reload();
  await panel.locator('[part~="input"]').waitFor();
});

test("1,000 conversations of 20 messages are searched without the database, and a page of what is found is drawn", async () => {
  const settings = await options();
  await settings.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open("chanl-chat");
      opening.addEventListener("success", () => resolve(opening.result));
    });
    const transaction = database.transaction(["conversations", "transcripts"], "readwrite");
    const words = "harbour tide boat mast sail rope anchor wave shore lamp crew chart wind storm calm reef bay pier buoy gull".split(" ");
    for (let at = 0; at < 1_000; at++) {
      const id = `c${at}`;
      const messages = Array.from({ length: 20 }, (_, index) => ({
        id: `${id}-${index}`,
        role: index % 2 === 0 ? "user" : "assistant",
        status: "complete",
        createdAt: at,
        parts: [
          {
            type: "text",
            text:
              Array.from({ length: 30 }, (__, word) => words[(at * 7 + index * 3 + word * 5) % words.length]).join(" ") +
              (at === 777 ? " kraken" : ""),
          },
        ],
      }));
      transaction.objectStore("conversations").put({ id, title: `Voyage ${at}`, createdAt: at, updatedAt: at });
      transaction.objectStore("transcripts").put({ id, savedAt: at, v: 1, messages, active: null });
    }
    await new Promise((resolve) => transaction.addEventListener("complete", resolve));
    database.close();
  });
  await settings.close();
  await page.bringToFront();
  await until(
    async () =>
      await panel
        .locator('[part~="input"]')
        .isVisible()
        .catch(() => false),
    "the panel",
  ).catch(() => undefined);
  await history();
  await panel.getByRole("searchbox").fill("kraken");
  await until(async () => (await titles()).join() === "Voyage 777", "the one", 20_000);
  // The index is there now: a further search reads nothing and draws one page of rows. How long it takes: `npm run bench:panel`.
  const { reads, rows, found } = await panel.evaluate(async () => {
    let count = 0;
    const transaction = Reflect.get(IDBDatabase.prototype, "transaction");
    Object.assign(IDBDatabase.prototype, {
      transaction(this: IDBDatabase, ...args: Parameters<IDBDatabase["transaction"]>) {
        count++;
        return transaction.apply(this, args);
      },
    });
    const field = document.querySelector<HTMLInputElement>("dialog.history input[type=search]")!;
    let most = 0;
    const results: string[] = [];
    for (const query of ["storm reef", "voyage 12", "gul", "anchor wave lamp", "mast sail rope crew", "harbour tide"]) {
      field.value = query;
      field.dispatchEvent(new Event("input"));
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
      most = Math.max(most, document.querySelectorAll("dialog.history li").length);
      results.push(document.querySelector("dialog.history [role=status]")?.textContent ?? "");
    }
    return { reads: count, rows: most, found: results };
  });
  expect(reads).toBe(0);
  expect(rows).toBe(60);
  for (const each of found) expect(each).toMatch(/^[\d,]+ found$/);
});
