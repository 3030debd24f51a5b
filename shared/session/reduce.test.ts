import { describe, expect, test } from "vitest";

import type { StreamChunk } from "../protocol/chunk.ts";
import { forSeeds, type Random } from "../testing/random.ts";
import { messageText, type ChatMessage, type ToolCallPart } from "./message.ts";
import { reduceMessage, resumeMessage } from "./reduce.ts";

const EMPTY: ChatMessage = { id: "m", role: "assistant", parts: [], status: "pending", createdAt: 0 };

function reduce(chunks: StreamChunk[], from = EMPTY, now = 1000): ChatMessage {
  return chunks.reduce((message, chunk) => reduceMessage(message, chunk, now), from);
}

const token = (content: string): StreamChunk => ({ type: "token", content });
const delta = (index: number, args: string, more: { id?: string; name?: string } = {}): StreamChunk => ({
  type: "tool_call_delta",
  index,
  arguments: args,
  ...more,
});
const call = (index: number, id: string, more: object = {}): StreamChunk => ({
  type: "tool_call",
  index,
  id,
  name: "f",
  arguments: { x: 1 },
  runsOn: "server",
  ...more,
});
const result = (id: string, more: object = { result: 1 }): StreamChunk => ({ type: "tool_result", id, name: "f", ms: 5, ...more });
const tool = (message: ChatMessage, at = 0): ToolCallPart => message.parts.filter((part) => part.type === "tool_call")[at]!;

describe("each chunk", () => {
  test("start names stream and model, and nothing is streaming yet", () => {
    expect(reduce([{ type: "start", streamId: "s", messageId: "x", agentId: "a", model: "mm", v: 1 }])).toEqual({
      ...EMPTY,
      streamId: "s",
      model: "mm",
    });
  });

  test("tokens become one text", () => {
    const message = reduce([token("Hel"), token("lo")]);
    expect(message).toMatchObject({ status: "streaming", parts: [{ type: "text", text: "Hello" }] });
    expect(messageText(message)).toBe("Hello");
  });

  test("refusal text is a part of its own", () => {
    expect(
      reduce([token("a"), { type: "token", content: "b", refusal: true }, { type: "token", content: "c", refusal: true }]).parts,
    ).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "bc", refusal: true },
    ]);
  });

  test("text after a tool begins a new part", () => {
    expect(reduce([token("a"), call(0, "x"), token("b")]).parts.map(({ type }) => type)).toEqual(["text", "tool_call", "text"]);
  });

  test("reasoning is one part that ends when anything else begins", () => {
    let message = reduceMessage(EMPTY, { type: "reasoning", content: "Hm" }, 1000);
    message = reduceMessage(message, { type: "reasoning", content: "." }, 1200);
    expect(message.parts).toEqual([{ type: "reasoning", text: "Hm.", startedAt: 1000 }]);
    message = reduceMessage(message, token("a"), 1500);
    expect(message.parts).toEqual([
      { type: "reasoning", text: "Hm.", startedAt: 1000, ms: 500 },
      { type: "text", text: "a" },
    ]);
    expect(reduceMessage(message, { type: "reasoning", content: "Again" }, 2000).parts).toHaveLength(3);
  });

  test.each<[string, StreamChunk]>([
    ["a call", delta(0, "")],
    ["a source", { type: "source", id: "1", title: "T" }],
    ["the end", { type: "done", reason: "stop" }],
    ["an error", { type: "error", code: "internal", message: "x", retryable: false }],
    ["a stop", { type: "cancelled", reason: "user" }],
  ])("reasoning ends with %s", (_, chunk) => {
    expect(reduceMessage(reduce([{ type: "reasoning", content: "x" }]), chunk, 1250).parts[0]).toMatchObject({ ms: 250 });
  });

  test("a call is written, runs and ends", () => {
    let message = reduce([delta(0, "", { id: "a", name: "f" })]);
    expect(tool(message)).toEqual({ type: "tool_call", index: 0, id: "a", name: "f", argumentsText: "", state: "input-streaming" });
    message = reduce([delta(0, '{"x"'), delta(0, ":1}")], message);
    expect(tool(message)).toMatchObject({ argumentsText: '{"x":1}', state: "input-streaming" });
    message = reduce([call(0, "a")], message);
    expect(tool(message)).toMatchObject({
      id: "a",
      arguments: { x: 1 },
      argumentsText: '{"x":1}',
      state: "running",
      runsOn: "server",
      startedAt: 1000,
    });
    message = reduce([result("a")], message);
    expect(tool(message)).toMatchObject({ result: 1, ms: 5, state: "complete" });
    expect(message.parts).toHaveLength(1);
  });

  test("a call whose id came late is the same call", () => {
    expect(reduce([delta(0, "{", { name: "f" }), delta(0, "}", { id: "a" }), call(0, "a")]).parts).toHaveLength(1);
    expect(reduce([delta(0, "{}", { name: "f" }), call(0, "call_0_x")]).parts).toMatchObject([{ id: "call_0_x", state: "running" }]);
  });

  test("parallel calls are told apart by index, and by id from then on", () => {
    const message = reduce([
      delta(0, "", { id: "a", name: "f" }),
      delta(1, "", { id: "b", name: "g" }),
      delta(0, "[1]"),
      delta(1, "[2]"),
      call(1, "b", { arguments: [2] }),
      call(0, "a", { arguments: [1] }),
      result("b", { error: "no" }),
    ]);
    expect(message.parts).toMatchObject([
      { id: "a", arguments: [1], state: "running" },
      { id: "b", arguments: [2], state: "failed", error: "no" },
    ]);
  });

  test("a second turn counts from 0 again without meeting the first", () => {
    const message = reduce([
      delta(0, "[1]", { id: "a", name: "f" }),
      call(0, "a"),
      result("a"),
      delta(0, "[2]", { id: "b", name: "f" }),
      delta(0, ""),
      call(0, "b"),
    ]);
    expect(message.parts).toMatchObject([
      { id: "a", state: "complete" },
      { id: "b", state: "running", argumentsText: "[2]" },
    ]);
  });

  test("a call without deltas shows its arguments as text", () => {
    expect(tool(reduce([call(0, "a")]))).toMatchObject({ argumentsText: '{"x":1}' });
    expect(tool(reduce([call(0, "a", { argumentsText: " raw " })]))).toMatchObject({ argumentsText: " raw " });
  });

  test.each([
    [{ needsApproval: true }, "needs-approval"],
    [{ incomplete: true, arguments: null }, "failed"],
    [{ invalid: true, arguments: null }, "failed"],
    [{ invalid: true, arguments: null, needsApproval: true }, "failed"],
  ])("a call with %j is %s", (more, state) => expect(tool(reduce([call(0, "a", more)])).state).toBe(state));

  test("a result of an unknown call is shown, as what it is", () => {
    expect(reduce([result("x")]).parts).toMatchObject([{ type: "tool_call", id: "x", name: "f", state: "complete", result: 1 }]);
    expect(reduce([result("x", { error: "no" })]).parts).toMatchObject([{ state: "failed", error: "no" }]);
  });

  test("a source is shown once", () => {
    const source: StreamChunk = { type: "source", id: "1", title: "T", url: "https://example.com/" };
    const message = reduce([source]);
    expect(message.parts).toEqual([{ type: "source", id: "1", title: "T", url: "https://example.com/" }]);
    expect(reduceMessage(message, source, 1)).toBe(message);
  });

  test("usage is merged", () => {
    expect(
      reduce([
        { type: "usage", inputTokens: 1, outputTokens: 2 },
        { type: "usage", outputTokens: 3 },
      ]).usage,
    ).toEqual({ inputTokens: 1, outputTokens: 3 });
  });

  test("a snapshot replaces, never splices", () => {
    const message = reduce([
      token("old"),
      call(0, "a"),
      { type: "snapshot", message: { messageId: "x", chunks: [token("new"), call(0, "b"), result("b")] } },
    ]);
    expect(message.parts).toMatchObject([{ text: "new" }, { id: "b", state: "complete" }]);
    expect(message).toMatchObject({ id: "m", createdAt: 0 });
  });

  test("done completes; what still ran has no known end", () => {
    const metrics = { ttft: 1, totalMs: 2, tokenCount: 3, tokensPerSecond: 4, decodeTokensPerSecond: 5 };
    const message = reduce([
      delta(0, "{", { id: "a" }),
      call(1, "b"),
      { type: "done", reason: "length", metrics, usage: { outputTokens: 3 } },
    ]);
    expect(message).toMatchObject({
      status: "complete",
      finishReason: "length",
      metrics,
      usage: { outputTokens: 3 },
      parts: [{ state: "unknown" }, { state: "unknown" }],
    });
  });

  test("an error keeps what came and cancels what ran", () => {
    const message = reduce([
      token("a"),
      call(0, "b"),
      { type: "error", code: "provider_error", message: "No.", retryable: true, retryAfterMs: 9 },
    ]);
    expect(message).toMatchObject({
      status: "error",
      error: { code: "provider_error", message: "No.", retryable: true, retryAfterMs: 9 },
      parts: [{ text: "a" }, { state: "cancelled" }],
    });
  });

  test("truncated is interrupted, and does not know how a call ended", () => {
    expect(reduce([call(0, "b"), { type: "error", code: "truncated", message: "x", retryable: true }])).toMatchObject({
      status: "interrupted",
      parts: [{ state: "unknown" }],
    });
  });

  test("a stop by the person is no error; any other end of the gateway's is an interruption", () => {
    const stopped = reduce([call(0, "b"), { type: "cancelled", reason: "user" }]);
    expect(stopped).toMatchObject({ status: "stopped", parts: [{ state: "cancelled" }] });
    expect(stopped.error).toBeUndefined();
    for (const reason of ["timeout", "shutdown", "disconnect", "something_new"] as const) {
      expect(reduce([{ type: "cancelled", reason: reason as "timeout" }])).toMatchObject({
        status: "interrupted",
        error: { code: "truncated", retryable: true, message: expect.stringMatching(/kept/) as string },
      });
    }
  });

  test.each<StreamChunk>([{ type: "step", n: 1, reason: "tool_calls" }, { type: "hologram" } as never])(
    "$type changes nothing",
    (chunk) => {
      const message = reduce([token("a")]);
      expect(reduceMessage(message, chunk, 1)).toBe(message);
    },
  );
});

describe("parts that did not change stay the same objects", () => {
  const before = reduce([token("a"), call(0, "x"), result("x"), { type: "source", id: "1", title: "T" }, token("b")]);

  test.each<[string, StreamChunk, number[]]>([
    ["a token", token("c"), [3]],
    ["a new part", { type: "reasoning", content: "x" }, []],
    ["a result", result("x", { result: 2 }), [1]],
    ["the end", { type: "done", reason: "stop" }, []],
  ])("after %s", (_, chunk, changed) => {
    const after = reduceMessage(before, chunk, 1);
    expect(before.parts.flatMap((part, at) => (after.parts[at] === part ? [] : [at]))).toEqual(changed);
    expect(before.parts.at(-1)).toEqual({ type: "text", text: "b" });
  });
});

/** An answer that keeps the protocol: turns of reasoning, text, calls with fragments and results. */
function randomAnswer(random: Random): StreamChunk[] {
  const chunks: StreamChunk[] = [{ type: "start", streamId: "s", messageId: "x", agentId: "a", model: "mm", v: 1 }];
  let calls = 0;
  for (let turn = 1 + random.below(3); turn > 0; turn--) {
    for (let count = random.below(8); count > 0; count--) {
      const kind = random.below(4);
      if (kind === 0) chunks.push({ type: "reasoning", content: random.pick(["a", "é", " "]) });
      else if (kind === 1) chunks.push({ type: "source", id: String(random.below(3)), title: "T" });
      else
        chunks.push({
          type: "token",
          content: random.pick(["x", "漢", "\n", "yz"]),
          ...(random.chance(0.1) ? { refusal: true as const } : {}),
        });
    }
    const wanted = Array.from({ length: random.below(3) }, (_, index) => ({ index, id: `c${calls++}` }));
    for (const { index, id } of wanted) chunks.push(delta(index, "", { id, name: "f" }));
    for (let count = random.below(6); count > 0 && wanted.length > 0; count--)
      chunks.push(delta(random.pick(wanted).index, random.pick(["1", "2,", "["])));
    for (const { index, id } of wanted) chunks.push(call(index, id, random.chance(0.3) ? { needsApproval: true } : {}));
    for (const { id } of wanted) {
      for (let told = random.below(3); told > 0; told--) chunks.push({ type: "tool_progress", id, progress: told, total: 3, message: "m" });
    }
    for (const { id } of wanted) if (random.chance(0.9)) chunks.push(result(id));
  }
  return [...chunks, { type: "done", reason: "stop" }];
}

test("2,000 random answers have the text, reasoning and arguments that a slow look at all chunks gives", () => {
  forSeeds(2000, (random) => {
    const chunks = randomAnswer(random);
    const message = reduce(chunks);
    const joined = (type: "token" | "reasoning"): string =>
      chunks.map((chunk) => (chunk.type === type ? (chunk as { content: string }).content : "")).join("");
    expect(messageText(message)).toBe(joined("token"));
    expect(message.parts.map((part) => (part.type === "reasoning" ? part.text : "")).join("")).toBe(joined("reasoning"));
    const ids = chunks.flatMap((chunk) => (chunk.type === "tool_call" ? [chunk.id] : []));
    expect(message.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))).toEqual(ids);
    for (const part of message.parts) {
      if (part.type !== "tool_call") continue;
      let current = new Map<number, string>();
      let text = "";
      for (const chunk of chunks) {
        if (chunk.type === "tool_call_delta") {
          if (chunk.id !== undefined) current.set(chunk.index, chunk.id);
          if (current.get(chunk.index) === part.id) text += chunk.arguments;
        } else if (chunk.type === "tool_result") current = new Map([...current].filter(([, id]) => id !== chunk.id));
      }
      expect(part.argumentsText).toBe(text === "" ? '{"x":1}' : text);
    }
  });
});

test("an answer that was interrupted anywhere and goes on is the answer that was not", () => {
  forSeeds(1000, (random) => {
    const chunks = randomAnswer(random);
    const at = 1 + random.below(chunks.length - 1);
    const interrupted = reduce([...chunks.slice(0, at), { type: "error", code: "truncated", message: "x", retryable: true }]);
    expect(interrupted.status).toBe("interrupted");
    // It may have been stored meanwhile.
    const stored = JSON.parse(JSON.stringify(interrupted)) as ChatMessage;
    expect(reduce(chunks.slice(at), resumeMessage(stored))).toEqual(reduce(chunks));
  });
});
