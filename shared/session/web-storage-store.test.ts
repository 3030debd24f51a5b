import { describe, expect, test } from "vitest";

import type { StoredConversation } from "./conversation-store.ts";
import type { ChatMessage } from "./message.ts";
import { createWebStorageStore } from "./web-storage-store.ts";

const message = (id: string, text: string): ChatMessage => ({
  id,
  role: "user",
  parts: [{ type: "text", text }],
  status: "complete",
  createdAt: 1,
});

const talk = (count: number, chars: number): ChatMessage[] =>
  Array.from({ length: count }, (_, at) => message(`m${at}`, `${at} `.padEnd(chars, "x")));

const whole = (messages: readonly ChatMessage[], active: StoredConversation["active"] = null): StoredConversation => ({
  v: 1,
  messages,
  active,
});

class Area {
  readonly entries = new Map<string, string>();
  writtenChars = 0;
  room = Number.POSITIVE_INFINITY;

  getItem(key: string): string | null {
    return this.entries.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    const others = [...this.entries].reduce((sum, [name, text]) => sum + (name === key ? 0 : text.length), 0);
    if (others + value.length > this.room) throw new DOMException("full", "QuotaExceededError");
    this.writtenChars += value.length;
    this.entries.set(key, value);
  }

  removeItem(key: string): void {
    this.entries.delete(key);
  }
}

function open(area = new Area()): { area: Area; store: ReturnType<typeof createWebStorageStore>; again: ReturnType<typeof open>["store"] } {
  return { area, store: createWebStorageStore(() => area), again: createWebStorageStore(() => area) };
}

test("gives back what it was given", async () => {
  const { store } = open();
  const conversation = whole([message("a", 'quotes " and \\ and \u2028'), message("b", "")], {
    requestId: "r",
    streamId: null,
    lastSeq: 0,
    messageId: "b",
  });
  store.save("c", conversation);
  expect(await store.load("c")).toEqual(conversation);
});

test("gives back a long conversation that grew, was cut short and grew again, to whoever opens it next", async () => {
  const area = new Area();
  let messages: ChatMessage[] = [];
  for (let life = 0; life < 4; life += 1) {
    const store = createWebStorageStore(() => area);
    const stored = await store.load("c");
    if (life > 0) expect(stored).toEqual(whole(messages));
    messages = [...(stored?.messages ?? [])];
    for (let turn = 0; turn < 60; turn += 1) {
      messages = [...messages, message(`${life}.${turn}`, "y".repeat(700))];
      store.save("c", whole(messages));
    }
    messages = [...messages.slice(0, 20 + life * 13), message(`edited ${life}`, "z")];
    store.save("c", whole(messages));
  }
  expect(await createWebStorageStore(() => area).load("c")).toEqual(whole(messages));
});

test("while an answer grows only it and the last few messages are written", () => {
  const { area, store } = open();
  const past = talk(500, 1_000);
  store.save("c", whole([...past, message("live", "")]));
  const before = area.writtenChars;
  for (let length = 0; length < 100; length += 1) store.save("c", whole([...past, message("live", "x".repeat(length))]));
  expect((area.writtenChars - before) / 100).toBeLessThan(17_500);
});

test("keeps the newest messages of a conversation that is too long for the storage, and goes on with it", async () => {
  const { area, store, again } = open();
  const messages = talk(5_000, 1_000);
  store.save("c", whole(messages));
  const stored = await again.load("c");
  const chars = [...area.entries.values()].reduce((sum, { length }) => sum + length, 0);
  expect(chars).toBeLessThan(1_030_000);
  expect(stored!.messages.length).toBeGreaterThan(800);
  expect(stored!.messages).toEqual(messages.slice(-stored!.messages.length));
  const before = area.writtenChars;
  again.save("c", whole([...stored!.messages, message("next", "n")]));
  expect(area.writtenChars - before).toBeLessThan(20_000);
  expect((await createWebStorageStore(() => area).load("c"))!.messages.at(-1)?.id).toBe("next");
});

describe("leaves nothing behind", () => {
  test("when the conversation is removed", () => {
    const { area, store } = open();
    store.save("c", whole(talk(300, 500)));
    expect(area.entries.size).toBeGreaterThan(5);
    store.remove("c");
    expect(area.entries.size).toBe(0);
  });

  test("when somebody who never loaded it writes another in its place", () => {
    const { area, store, again } = open();
    store.save("c", whole(talk(300, 500)));
    again.save("c", whole(talk(2, 10)));
    expect([...area.entries.keys()]).toEqual(["chanl-chat:c"]);
  });
});

test("a storage that is forbidden, full or holds something else costs the memory, never an error", async () => {
  const denied = createWebStorageStore(() => {
    throw new DOMException("denied", "SecurityError");
  });
  denied.save("c", whole([]));
  denied.remove("c");
  expect(await denied.load("c")).toBeNull();

  const { area, store } = open();
  store.save("c", whole(talk(10, 100)));
  area.room = 2_000;
  store.save("c", whole(talk(100, 1_000)));
  expect((await store.load("c"))!.messages).toHaveLength(10);

  for (const text of ["{", "null", '{"v":2,"messages":[]}', '{"v":1}']) {
    area.entries.set("chanl-chat:c", text);
    expect(await store.load("c")).toBeNull();
  }
  area.entries.set("chanl-chat:c", '{"v":1,"pages":[0,1],"messages":[],"active":null}');
  area.entries.set("chanl-chat:c:page:1", "{");
  expect(await store.load("c")).toEqual(whole([]));
});
