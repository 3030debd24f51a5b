import { afterEach, expect, it, vi } from "vitest";

import "./define.ts";
import type { ChanlChat } from "./chanl-chat.ts";
import { createIndexedStore } from "./indexed-store.ts";
import { press, settle, texts, type, unmountAll } from "./testing/mount.ts";

afterEach(async () => {
  unmountAll();
  vi.restoreAllMocks();
  localStorage.clear();
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase("chanl-chat");
    request.addEventListener("success", resolve);
    request.addEventListener("error", resolve);
  });
});

const answer: typeof fetch = () => {
  const chunks = [
    { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 },
    { type: "token", content: "Yes." },
    { type: "done", reason: "stop" },
  ];
  const body = chunks.map((chunk, at) => `id: ${at + 1}\ndata: ${JSON.stringify({ ...chunk, seq: at + 1 })}\n\n`).join("");
  return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Stream-Id": "s" } }));
};

async function element(properties: Partial<ChanlChat> = {}): Promise<ChanlChat> {
  const chat = document.createElement("chanl-chat");
  Object.assign(chat, { endpoint: "/api/chat", agentId: "a", fetch: answer, storage: "indexeddb", ...properties });
  document.body.append(chat);
  await chat.preload();
  return chat;
}

it("a conversation comes back, and nothing of it is left after clear()", async () => {
  const first = await element();
  await first.send("Is it there?");
  const { conversationId } = first.session!.getSnapshot();
  await vi.waitUntil(async () => ((await createIndexedStore().load(conversationId))?.messages.length ?? 0) === 2);
  expect(JSON.stringify(Object.entries(localStorage))).not.toContain("Is it there?");
  first.remove();

  const second = await element();
  await vi.waitUntil(() => second.messages.length === 2);
  await settle(second);
  expect(texts(second.shadowRoot!, ".md")).toEqual(["Yes."]);
  second.clear();
  await vi.waitUntil(async () => (await createIndexedStore().load(conversationId)) === null);
});

it("one that is forbidden costs no answer and no error", async () => {
  vi.spyOn(indexedDB, "open").mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
  const chat = await element();
  const errors: unknown[] = [];
  chat.addEventListener("chanl-error", ({ detail }) => errors.push(detail));
  expect((await chat.send("Hi"))?.status).toBe("complete");
  expect(errors).toEqual([]);
});

it("counts from four fifths of maxlength on, and keeps what is too long in the field, unsent", async () => {
  const chat = await element({ storage: "none", maxLength: 10 });
  const input = chat.shadowRoot!.querySelector<HTMLTextAreaElement>('[part="input"]')!;
  const count = (): string | undefined => chat.shadowRoot!.querySelector('[part="counter"]')?.textContent;
  type(input, "1234567");
  await settle(chat);
  expect(count()).toBeUndefined();
  type(input, "12345678");
  await settle(chat);
  expect(count()).toBe("8 / 10");
  type(input, "12345678901");
  await settle(chat);
  const failed = new Promise<string>((resolve) => chat.addEventListener("chanl-error", ({ detail }) => resolve(detail.message)));
  press(input, "Enter");
  expect(await failed).toBe("The message is too long: 11 / 10");
  expect(input.value).toBe("12345678901");
  expect(chat.messages).toEqual([]);
  type(input, "short");
  await settle(chat);
  expect(count()).toBeUndefined();
  press(input, "Enter");
  await vi.waitUntil(() => chat.messages.length === 2);
});
