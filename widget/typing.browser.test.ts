/** What a key and a streamed frame cost, by the browser's own counters: neither does the other's work. */
import { cdp } from "vitest/browser";
import { afterEach, expect, it, vi } from "vitest";

import "./define.ts";
import { frame, mount, type Mounted, settle, unmountAll, wait } from "./testing/mount.ts";

afterEach(unmountAll);

/** The provider's types for it are those of Node. */
interface Protocol {
  send(method: "Performance.getMetrics"): Promise<{ metrics: readonly { name: string; value: number }[] }>;
  send(method: string, parameters?: object): Promise<unknown>;
}
const browser = (): Protocol => cdp() as unknown as Protocol;

const KEYS = 20;
const FRAMES = 30;
/** Layouts that are nobody's: the runner's own page. */
const SLACK = 4;

/** A conversation of some length, with an answer that has begun. */
async function begin(): Promise<Mounted & { updates: () => number }> {
  const mounted = await mount();
  const { chat, transport, input } = mounted;
  for (let count = 0; count < 6; count++) {
    const sent = chat.send("And then?");
    transport.last.start().text("Words and **more** words.\n\n".repeat(20)).done();
    await sent;
  }
  void chat.send("Go on");
  transport.last.start().text("It begins. ");
  await settle(chat);
  input.focus();
  // The first letter draws the button and the hint anew.
  await key("a");
  await settle(chat);
  const update = vi.spyOn(chat as unknown as { update(changed: unknown): void }, "update");
  return { ...mounted, input, root: mounted.root, button: mounted.button, updates: () => update.mock.calls.length };
}

async function key(text: string): Promise<void> {
  await browser().send("Input.dispatchKeyEvent", { type: "keyDown", text, key: text });
  await browser().send("Input.dispatchKeyEvent", { type: "keyUp", key: text });
}

async function layouts(): Promise<number> {
  const { metrics } = await browser().send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "LayoutCount")!.value;
}

/** Counts what is written below an element. */
function watch(element: Element): () => number {
  let records = 0;
  const observer = new MutationObserver((list) => (records += list.length));
  observer.observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
  return () => {
    records += observer.takeRecords().length;
    observer.disconnect();
    return records;
  };
}

it("a key touches nothing but its field, and one layout shows it", async () => {
  const { input, root, updates } = await begin();
  await browser().send("Performance.enable");
  const inLog = watch(root.querySelector(".log")!);
  const inDock = watch(root.querySelector(".dock")!);
  const before = await layouts();
  for (let count = 0; count < KEYS; count++) {
    await key("b");
    await frame();
    await frame();
  }
  expect(input.value).toBe(`a${"b".repeat(KEYS)}`);
  expect([updates(), inLog(), inDock()]).toEqual([0, 0, 0]);
  expect((await layouts()) - before).toBeLessThanOrEqual(KEYS + SLACK);
});

it("a streamed frame renders nothing of the widget again, leaves the composer alone, and lays out once", async () => {
  const { chat, root, transport, updates } = await begin();
  // Who typed a moment ago still types, and gets the text more seldom.
  await wait(400);
  await browser().send("Performance.enable");
  const inDock = watch(root.querySelector(".dock")!);
  let writes = 0;
  const observer = new MutationObserver(() => (writes += 1));
  observer.observe(root.querySelector(".log")!, { subtree: true, childList: true, characterData: true });
  const before = await layouts();
  for (let count = 0; count < FRAMES; count++) {
    transport.last.text("some words, ", "and more. ");
    await frame();
  }
  const after = await layouts();
  await settle(chat);
  observer.disconnect();
  expect([updates(), inDock()]).toEqual([0, 0]);
  expect(writes).toBeGreaterThan(FRAMES / 3);
  expect(after - before).toBeLessThanOrEqual(writes + SLACK);
});

it("while one types the text is written ten times a second, and all of it is there", async () => {
  const { chat, root, transport } = await begin();
  const log = root.querySelector(".log")!;
  let writes = 0;
  const observer = new MutationObserver(() => (writes += 1));
  observer.observe(log, { subtree: true, childList: true, characterData: true });
  const start = performance.now();
  let frames = 0;
  while (performance.now() - start < 1_000) {
    if (frames++ % 4 === 0) await key("b");
    transport.last.text(`piece ${frames}, `);
    await frame();
  }
  const seconds = (performance.now() - start) / 1_000;
  expect(writes).toBeGreaterThan(4);
  expect(writes).toBeLessThanOrEqual(11 * seconds + 2);
  transport.last.done();
  await vi.waitFor(() => expect(log.textContent).toContain(`piece ${frames},`));
  observer.disconnect();
  await settle(chat);
});
