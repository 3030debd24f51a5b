import { describe, expect, test } from "vitest";

import { REQUEST_LIMITS } from "../protocol/request.ts";
import type { ChatMessage, MessagePart } from "./message.ts";
import { requestMessages } from "./request-messages.ts";

let ids = 0;
const message = (role: "user" | "assistant", text: string, parts: MessagePart[] = []): ChatMessage => ({
  id: String(++ids),
  role,
  parts: text === "" ? parts : [...parts, { type: "text", text }],
  status: "complete",
  createdAt: 0,
});
const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

test("the words of both sides go along, without reasoning, tools and sources", () => {
  const parts: MessagePart[] = [
    { type: "reasoning", text: "secret" },
    { type: "tool_call", index: 0, id: "a", name: "f", argumentsText: "{}", state: "complete" },
    { type: "source", id: "1", title: "T" },
  ];
  expect(requestMessages([message("user", "Hi"), message("assistant", "Hello", parts), message("user", "More")])).toEqual([
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello" },
    { role: "user", content: "More" },
  ]);
});

test("an answer without a word is left out", () => {
  expect(requestMessages([message("user", "Hi"), message("assistant", ""), message("user", "More")]).map(({ content }) => content)).toEqual(
    ["Hi", "More"],
  );
});

test("an answer that was stopped goes along as far as it came", () => {
  expect(requestMessages([message("user", "Hi"), { ...message("assistant", "Hel"), status: "stopped" }])).toHaveLength(2);
});

describe("the gateway's limits", () => {
  test("no more messages than it takes, the newest kept", () => {
    const all = Array.from({ length: 301 }, (_, at) => message(at % 2 ? "assistant" : "user", String(at)));
    const sent = requestMessages(all);
    expect(sent.length).toBeLessThanOrEqual(REQUEST_LIMITS.messages);
    expect(sent.length).toBeGreaterThan(REQUEST_LIMITS.messages - 3);
    expect(sent.at(-1)?.content).toBe("300");
  });

  test.each([
    ["ASCII", "a"],
    ["three bytes a character", "漢"],
    ["surrogate pairs", "😀"],
    ["characters that JSON escapes", '"\n\\'],
    ["control characters", "\u0001"],
  ])("no more bytes of JSON than it takes: %s", (_, text) => {
    const all = Array.from({ length: 100 }, (__, at) => message(at % 2 ? "assistant" : "user", text.repeat(5000)));
    const sent = requestMessages(all);
    expect(bytesOf(sent)).toBeLessThan(REQUEST_LIMITS.bodyBytes);
    expect(bytesOf(sent)).toBeGreaterThan(REQUEST_LIMITS.bodyBytes / 3);
    expect(sent.at(-1)).toEqual({ role: "assistant", content: text.repeat(5000) });
  });

  test("the last message goes along whole, however long: the gateway tells what is too much", () => {
    const text = "x".repeat(REQUEST_LIMITS.bodyBytes * 2);
    expect(requestMessages([message("user", "a"), message("user", text)])).toEqual([{ role: "user", content: text }]);
  });

  test("an earlier message that alone is longer than the gateway takes is shortened, so that the conversation can go on", () => {
    const sent = requestMessages([
      message("user", "Hi"),
      message("assistant", "x".repeat(REQUEST_LIMITS.contentChars + 1)),
      message("user", "More"),
    ]);
    expect(sent.map(({ content }) => content.length)).toEqual([2, REQUEST_LIMITS.contentChars, 4]);
  });

  test("what is cut off does not begin with an answer", () => {
    const all = Array.from({ length: 300 }, (_, at) => message(at % 2 ? "assistant" : "user", String(at)));
    expect(requestMessages(all)[0]?.role).toBe("user");
    expect(requestMessages([message("assistant", "Welcome"), message("user", "Hi")])[0]?.role).toBe("assistant");
  });
});
