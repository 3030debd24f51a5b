/** What the element takes it gives back: listeners, frames, timers and connections; and what a storage refuses costs only the memory. */
import { afterEach, describe, expect, it, vi } from "vitest";

import "./define.ts";
import type { ChanlChat } from "./chanl-chat.ts";
import { mount, press, settle, texts, type, unmountAll, wait } from "./testing/mount.ts";

afterEach(() => {
  unmountAll();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

/** Counts what is open on the page's own targets. */
function watchPage(): { listeners: () => string[]; frames: () => number; stop: () => void } {
  const open = new Map<string, number>();
  const count = (name: string, by: number): void => void open.set(name, (open.get(name) ?? 0) + by);
  const isShared = (target: EventTarget): boolean =>
    target === window || target === document || target === visualViewport || target instanceof MediaQueryList;
  // oxlint-disable-next-line typescript/unbound-method
  const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (
    this: EventTarget,
    name: string,
    listener: never,
    options?: AddEventListenerOptions | boolean,
  ) {
    const target = this ?? window;
    if (isShared(target)) {
      count(name, 1);
      const signal = typeof options === "object" ? options.signal : undefined;
      if (signal) add.call(signal, "abort", () => count(name, -1));
    }
    add.call(target, name, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (
    this: EventTarget,
    name: string,
    listener: never,
    options?: EventListenerOptions | boolean,
  ) {
    const target = this ?? window;
    if (isShared(target)) count(name, -1);
    remove.call(target, name, listener, options);
  };
  const frames = new Set<number>();
  // oxlint-disable-next-line typescript/unbound-method
  const { requestAnimationFrame: request, cancelAnimationFrame: cancel } = window;
  window.requestAnimationFrame = (callback) => {
    const id = request.call(window, (time) => {
      frames.delete(id);
      callback(time);
    });
    frames.add(id);
    return id;
  };
  window.cancelAnimationFrame = (id) => {
    frames.delete(id);
    cancel.call(window, id);
  };
  return {
    listeners: () => [...open].filter(([, left]) => left !== 0).map(([name, left]) => `${name}: ${left}`),
    frames: () => frames.size,
    stop: () => {
      EventTarget.prototype.addEventListener = add;
      EventTarget.prototype.removeEventListener = remove;
      window.requestAnimationFrame = request;
      window.cancelAnimationFrame = cancel;
    },
  };
}

/** A gateway that answers a word every few milliseconds and never ends. */
function endlessFetch(signals: AbortSignal[]): typeof fetch {
  return (_input, init) => {
    if (init?.signal) signals.push(init.signal);
    const encoder = new TextEncoder();
    let seq = 1;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await wait(5);
        if (init?.signal?.aborted) return controller.close();
        const chunk =
          seq === 1
            ? { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 }
            : { type: "token", content: "word " };
        controller.enqueue(encoder.encode(`id: ${seq}\ndata: ${JSON.stringify({ ...chunk, seq })}\n\n`));
        seq += 1;
      },
    });
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Stream-Id": "s" } }));
  };
}

async function streaming(signals: AbortSignal[], more: Partial<ChanlChat> = {}): Promise<ChanlChat> {
  const chat = document.createElement("chanl-chat");
  Object.assign(chat, { endpoint: "/api/chat", agentId: "a", fetch: endlessFetch(signals), storage: "none", ...more });
  document.body.append(chat);
  await chat.preload();
  void chat.send("Go");
  await vi.waitUntil(() => chat.shadowRoot!.querySelector(".md")?.textContent?.includes("word"));
  return chat;
}

it("leaves no listener, frame or connection behind when it is taken away in mid-stream 50 times", async () => {
  const page = watchPage();
  const signals: AbortSignal[] = [];
  for (let time = 0; time < 50; time += 1) {
    const chat = await streaming(signals, { mode: time % 2 === 0 ? "inline" : "floating", open: true });
    chat.remove();
  }
  expect(signals).toHaveLength(50);
  // A router that moves an element has this long to put it back.
  await wait(3_300);
  const left = { listeners: page.listeners(), frames: page.frames(), connections: signals.filter(({ aborted }) => !aborted).length };
  page.stop();
  expect(left).toEqual({ listeners: [], frames: 0, connections: 0 });
});

it("goes on where it is put back within the time a router needs, draft and focus too", async () => {
  const signals: AbortSignal[] = [];
  const chat = await streaming(signals);
  const input = chat.shadowRoot!.querySelector<HTMLTextAreaElement>('[part="input"]')!;
  type(input, "half a thought");
  const place = document.createElement("div");
  document.body.append(place);
  chat.remove();
  await wait(500);
  place.append(chat);
  const before = chat.shadowRoot!.querySelector(".md")!.textContent.length;
  await vi.waitUntil(() => chat.shadowRoot!.querySelector(".md")!.textContent.length > before);
  expect(signals).toHaveLength(1);
  expect(signals[0]!.aborted).toBe(false);
  expect(input.value).toBe("half a thought");
});

it("a copy of it is a chat of its own, and the one it was made from goes on", async () => {
  const signals: AbortSignal[] = [];
  const chat = await streaming(signals);
  const copy = chat.cloneNode(true) as ChanlChat;
  Object.assign(copy, { endpoint: "/api/chat", agentId: "a", fetch: endlessFetch(signals), storage: "none" });
  chat.after(copy);
  await copy.preload();
  const before = chat.shadowRoot!.querySelector(".md")!.textContent.length;
  await vi.waitUntil(() => chat.shadowRoot!.querySelector(".md")!.textContent.length > before);
  expect(copy.messages).toEqual([]);
  expect(signals).toHaveLength(1);
  void copy.send("Go too");
  await vi.waitUntil(() => copy.shadowRoot!.querySelector(".md")?.textContent.includes("word"));
  await copy.stop();
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  expect(chat.session?.getSnapshot().isStreaming).toBe(true);
});

it("keeps the focus, unless somebody took it, and the place one reads, when it is moved", async () => {
  const { chat, root, input, transport } = await mount();
  chat.style.height = "300px";
  void chat.send("Go");
  transport.last.start().text("A paragraph of words.\n\n".repeat(40));
  await settle(chat);
  const log = root.querySelector<HTMLElement>('[part="log"]')!;
  log.dispatchEvent(new WheelEvent("wheel", { deltaY: -1 }));
  log.scrollTop = 200;
  await settle(chat);
  input.focus();
  const place = document.createElement("div");
  document.body.append(place);
  place.append(chat);
  await settle(chat);
  expect(root.activeElement).toBe(input);
  expect(log.scrollTop).toBe(200);
  transport.last.text("More of them.\n\n".repeat(5));
  await settle(chat);
  expect(log.scrollTop).toBe(200);

  const other = document.createElement("button");
  document.body.append(other);
  chat.remove();
  other.focus();
  place.append(chat);
  await settle(chat);
  expect(document.activeElement).toBe(other);
});

it("follows on after a move when it followed before", async () => {
  const { chat, root, transport } = await mount();
  chat.style.height = "300px";
  void chat.send("Go");
  transport.last.start().text("A paragraph of words.\n\n".repeat(40));
  await settle(chat);
  const place = document.createElement("div");
  document.body.append(place);
  place.append(chat);
  await settle(chat);
  const log = root.querySelector<HTMLElement>('[part="log"]')!;
  expect(log.scrollHeight - log.scrollTop - log.clientHeight).toBeLessThanOrEqual(1);
});

describe("a storage", () => {
  it.each([
    ["that is denied", () => vi.stubGlobal("sessionStorage", null)],
    [
      "that is full",
      () =>
        vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
          throw new DOMException("full", "QuotaExceededError");
        }),
    ],
    [
      "that cannot be read",
      () =>
        vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
          throw new DOMException("denied", "SecurityError");
        }),
    ],
  ])("%s costs no answer and no error", async (_name, refuse) => {
    refuse();
    const errors: unknown[] = [];
    addEventListener("error", (event) => errors.push(event.message), { once: true });
    const chat = await streaming([], { storage: "session" });
    chat.addEventListener("chanl-error", ({ detail }) => errors.push(detail));
    const input = chat.shadowRoot!.querySelector<HTMLTextAreaElement>('[part="input"]')!;
    type(input, "next");
    await wait(350);
    await chat.stop();
    await settle(chat);
    expect(texts(chat.shadowRoot!, ".note")).toEqual(["Stopped"]);
    expect(errors).toEqual([]);
  });

  it("holds nothing before the first message, and nothing after clear()", async () => {
    const chat = document.createElement("chanl-chat");
    Object.assign(chat, { endpoint: "/api/chat", agentId: "a", fetch: endlessFetch([]) });
    document.body.append(chat);
    await chat.preload();
    await wait(50);
    expect(sessionStorage.length).toBe(0);
    void chat.send("Go");
    await wait(400);
    expect(sessionStorage.length).toBeGreaterThan(0);
    chat.clear();
    await wait(400);
    expect(Object.keys(sessionStorage)).toEqual([]);
  });
});

it("is one request for three Enters in one task", async () => {
  const signals: AbortSignal[] = [];
  const chat = document.createElement("chanl-chat");
  Object.assign(chat, { endpoint: "/api/chat", agentId: "a", fetch: endlessFetch(signals), storage: "none" });
  document.body.append(chat);
  await chat.preload();
  const input = chat.shadowRoot!.querySelector<HTMLTextAreaElement>('[part="input"]')!;
  type(input, "Go");
  for (let time = 0; time < 3; time += 1) press(input, "Enter");
  await wait(50);
  expect(signals).toHaveLength(1);
});
