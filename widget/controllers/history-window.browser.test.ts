import { afterEach, expect, it, vi } from "vitest";

import "../define.ts";
import { ChatSession } from "../../shared/session/chat-session.ts";
import type { ConversationStore } from "../../shared/session/conversation-store.ts";
import type { ChatMessage } from "../../shared/session/message.ts";
import type { ChanlChat } from "../chanl-chat.ts";
import { frame, settle, texts, unmountAll, wait } from "../testing/mount.ts";
import { ScriptedTransport } from "../testing/scripted-transport.ts";

afterEach(unmountAll);

const history = (count: number): ChatMessage[] =>
  Array.from({ length: count }, (_, at): ChatMessage => ({
    id: `m${at}`,
    role: at % 2 === 0 ? "user" : "assistant",
    parts: [{ type: "text", text: at % 2 === 0 ? `Question ${at}` : `Answer ${at}.\n\n${"Some more words of it. ".repeat(at % 37)}` }],
    status: "complete",
    createdAt: 1_700_000_000_000 + at * 60_000,
  }));

interface Stored {
  chat: ChanlChat;
  root: ShadowRoot;
  log: HTMLElement;
  transport: ScriptedTransport;
}

/** @param until what has to be so before it goes on: the newest page is all there */
async function restored(past: number | ChatMessage[], until?: (root: ShadowRoot) => void): Promise<Stored> {
  const store: ConversationStore = {
    load: () => Promise.resolve({ v: 1, messages: typeof past === "number" ? history(past) : past, active: null }),
    save: () => undefined,
    remove: () => undefined,
  };
  const transport = new ScriptedTransport();
  const session = new ChatSession({ transport, agentId: "test", store });
  await session.restore();
  const chat = document.createElement("chanl-chat");
  chat.session = session;
  chat.storage = "none";
  document.body.append(chat);
  const root = chat.shadowRoot!;
  await chat.preload();
  if (until) until(root);
  else {
    await vi.waitFor(() => expect(inDocument(root)).toBe(Math.min(50, session.getSnapshot().messages.length)));
    await settle(chat);
  }
  return { chat, root, log: root.querySelector<HTMLElement>(".log")!, transport };
}

const gap = (log: HTMLElement): number => log.scrollHeight - log.scrollTop - log.clientHeight;
const inDocument = (root: ShadowRoot): number => root.querySelectorAll('[role="article"]').length;
const heading = (message: Element | null): string => message?.querySelector(".md, .bub")?.textContent?.split(".")[0]?.trim() ?? "";

/** The first message one sees. */
const reading = ({ root, log }: Stored): Element =>
  [...root.querySelectorAll('[role="article"]')].find((each) => each.getBoundingClientRect().bottom > log.getBoundingClientRect().top + 1)!;

it("shows the end of 1,000 messages to the pixel, with one page of them in the document", async () => {
  const stored = await restored(1_000);
  await wait(500);
  expect(gap(stored.log)).toBeLessThanOrEqual(1);
  expect(inDocument(stored.root)).toBe(50);
  expect(heading(stored.root.querySelector('[role="article"]:last-of-type'))).toBe("Answer 999");
});

it("draws a screen of it first and the rest of the page when the browser is idle, without a step of what one sees", async () => {
  const stored = await restored(1_000, (root) => expect(inDocument(root)).toBe(6));
  const { log, root } = stored;
  const counts: number[] = [];
  const drawn = new MutationObserver(() => counts.push(inDocument(root)));
  drawn.observe(root.querySelector(".col")!, { childList: true });
  let furthest = 0;
  // Made after the widget's own, so it is told after it, in the same frame: what it sees is what is painted.
  const painted = new ResizeObserver(() => (furthest = Math.max(furthest, gap(log))));
  painted.observe(root.querySelector(".col")!);
  await vi.waitFor(() => expect(inDocument(root)).toBe(50));
  await frame();
  await frame();
  painted.disconnect();
  drawn.disconnect();
  expect(furthest).toBeLessThanOrEqual(1);
  // A few at a time, so that a key in between is not kept waiting.
  expect(counts).toEqual([18, 30, 42, 50]);
});

it("fills its page above what one reads too", async () => {
  const stored = await restored(60, (root) => expect(inDocument(root)).toBe(6));
  const { log, root, chat } = stored;
  await vi.waitFor(() => expect(log.scrollTop).toBeGreaterThan(0), { interval: 5 });
  log.dispatchEvent(new WheelEvent("wheel", { deltaY: -1 }));
  log.scrollTop -= 40;
  await frame();
  const message = reading(stored);
  const { top } = message.getBoundingClientRect();
  await vi.waitFor(() => expect(inDocument(root)).toBeGreaterThanOrEqual(50));
  await settle(chat);
  expect(Math.abs(message.getBoundingClientRect().top - top)).toBeLessThanOrEqual(1);
});

it("puts older pages in above without moving what one reads, as far as the first message", async () => {
  const stored = await restored(180);
  const { root, log, chat } = stored;
  let pages = 0;
  let seen = inDocument(root);
  for (let step = 0; step < 400 && log.scrollTop > 0; step += 1) {
    log.dispatchEvent(new WheelEvent("wheel", { deltaY: -500 }));
    log.scrollTop -= 500;
    await frame();
    const message = reading(stored);
    const { top } = message.getBoundingClientRect();
    await frame();
    await chat.updateComplete;
    await frame();
    const now = inDocument(root);
    if (now > seen) {
      pages += 1;
      expect(Math.abs(message.getBoundingClientRect().top - top)).toBeLessThanOrEqual(1);
    }
    seen = now;
  }
  expect(pages).toBe(3);
  expect(inDocument(root)).toBe(180);
  expect(heading(root.querySelector('[role="article"]'))).toBe("Question 0");
  expect(root.querySelector(".earlier")).toBeNull();
});

it("keeps its place when one jumps to the very top, where browsers do not anchor", async () => {
  const stored = await restored(200);
  const { log, root } = stored;
  log.dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
  log.scrollTop = 0;
  const message = reading(stored);
  const { top } = message.getBoundingClientRect();
  await wait(300);
  expect(inDocument(root)).toBeGreaterThan(50);
  expect(Math.abs(message.getBoundingClientRect().top - top)).toBeLessThanOrEqual(1);
  expect(log.scrollTop).toBeGreaterThan(0);
});

it("can be asked for by the button, which hands the focus to the newest of what came", async () => {
  const { root, chat } = await restored(120);
  expect(texts(root, ".earlier")).toEqual(["Show earlier messages (70)"]);
  const button = root.querySelector<HTMLButtonElement>(".earlier")!;
  button.focus({ preventScroll: true });
  button.click();
  await settle(chat);
  expect(inDocument(root)).toBeGreaterThanOrEqual(100);
  expect(heading(root.activeElement)).toBe("Answer 69");
  await wait(60);
  expect(texts(root, '[data-announcer="polite"] > div')).toEqual(["50 earlier messages shown"]);
});

it("lets go of the oldest again while it follows a conversation that goes on", async () => {
  const { root, chat, transport, log } = await restored(40);
  for (let turn = 0; turn < 70; turn += 1) {
    const sent = chat.send(`And ${turn}?`);
    transport.last.start().text("Yes.").done();
    await sent;
  }
  await settle(chat);
  expect(chat.messages).toHaveLength(180);
  expect(inDocument(root)).toBeLessThanOrEqual(100);
  expect(gap(log)).toBeLessThanOrEqual(1);
});

it("renders nothing of the log for a token, however many messages there are", async () => {
  const { chat, transport, root } = await restored(1_000);
  void chat.send("Go on");
  transport.last.start().text("First.\n\n", "Second ");
  await settle(chat);
  let renders = 0;
  const { updated } = Object.getPrototypeOf(chat) as { updated: (this: ChanlChat, changed: unknown) => void };
  (chat as unknown as { updated: unknown }).updated = (changed: unknown): void => {
    renders += 1;
    updated.call(chat, changed);
  };
  const others = new MutationObserver(() => (renders += 1_000));
  for (const message of [...root.querySelectorAll('[role="article"]')].slice(0, -1))
    others.observe(message, { subtree: true, childList: true, characterData: true, attributes: true });
  for (let at = 0; at < 500; at += 1) {
    transport.last.text(`word${at} `);
    if (at % 25 === 0) await frame();
  }
  await settle(chat);
  expect(renders).toBe(0);
  expect(root.querySelector('[role="article"]:last-of-type')!.textContent).toContain("word499");
});

it("takes code that does not scroll out of the tab order when it comes into view, and measures nothing out of sight", async () => {
  const wide = "```ts\nconst a = 1;\n```\n";
  const messages = history(50).map((message): ChatMessage =>
    message.role === "user" ? message : { ...message, parts: [{ type: "text", text: wide + "\n\nText. ".repeat(60) }] },
  );
  const { root, log } = await restored(messages);
  const reachable = (): number => root.querySelectorAll('pre[tabindex="0"]').length;
  expect(reachable()).toBeGreaterThan(10);
  expect(reachable()).toBeLessThan(25);
  log.dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
  log.scrollTop = 0;
  await wait(200);
  expect(root.querySelector("pre")!.hasAttribute("tabindex")).toBe(false);
});
