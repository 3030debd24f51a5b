import { expect, test } from "vitest";

import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import type { GatewayOptions } from "../gateway.ts";
import { openAiCall, openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "../testing/test-gateway.ts";
import { ToolError, type Tool } from "./tool.ts";

const tool = (name: string, run: Tool["run"], more: Partial<Tool> = {}): Tool => ({
  name,
  description: name,
  parameters: { type: "object" },
  run,
  ...more,
});
const withTools = (...tools: Tool[]): GatewayOptions => ({
  tools,
  agents: [{ id: "w", name: "W", instructions: "", tools: tools.map(({ name }) => name) }],
});
const ask = { ...userSays("go"), agentId: "w" };
const results = (events: StreamEvent[]): StreamEvent[] => events.filter((event) => event.type === "tool_result");
const sentBack = (body: unknown): { role: string; content: string; tool_call_id?: string }[] =>
  (body as { messages: { role: string; content: string; tool_call_id?: string }[] }).messages.filter(({ role }) => role === "tool");

/** One Chat Completions turn with several calls at once. */
function parallelCalls(...calls: { id: string; name: string; arguments: string }[]): string[] {
  const event = (delta: unknown, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  return [
    ...calls.map((call, index) =>
      event({ tool_calls: [{ index, id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } }] }),
    ),
    event({}, "tool_calls"),
    "data: [DONE]\n\n",
  ];
}

test("a tool runs once with its parsed arguments, and the model goes on with its result", async () => {
  const seen: unknown[] = [];
  const { gateway, provider } = await startWithProvider(
    withTools(tool("weather", (input) => (seen.push(input), { result: { sky: "clear" } }))),
  );
  provider.reply({ slices: openAiCall("weather", ['{"ci', 'ty":"Ro', 'me"}']) }, { slices: openAiText(["Clear ", "in Rome."]) });
  const events = await readAll(await postChat(gateway.url, ask));
  expect(seen).toEqual([{ city: "Rome" }]);
  expect(events.map((event) => event.type)).toEqual([
    "start",
    "tool_call_delta",
    "tool_call_delta",
    "tool_call_delta",
    "tool_call_delta",
    "tool_call",
    "step",
    "tool_result",
    "token",
    "token",
    "usage",
    "step",
    "done",
  ]);
  expect(results(events)[0]).toMatchObject({ id: "call_1", name: "weather", result: { sky: "clear" } });
  expect(textOf(events)).toBe("Clear in Rome.");
  expect(sentBack(provider.calls[1]?.body)).toEqual([{ role: "tool", tool_call_id: "call_1", content: '{"sky":"clear"}' }]);
});

test("calls of one turn run side by side; each result comes when it is there and goes back to its own call", async () => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const { gateway, provider } = await startWithProvider(
    withTools(
      tool("slow", async () => (await wait(120), { result: "slow" })),
      tool("fast", async () => (await wait(10), { result: "fast" })),
    ),
  );
  provider.reply(
    { slices: parallelCalls({ id: "a", name: "slow", arguments: "{}" }, { id: "b", name: "fast", arguments: "{}" }) },
    { slices: openAiText(["ok"]) },
  );
  const started = performance.now();
  const events = await readAll(await postChat(gateway.url, ask));
  expect(performance.now() - started).toBeLessThan(1000);
  expect(results(events).map((event) => (event.type === "tool_result" ? event.id : ""))).toEqual(["b", "a"]);
  expect(sentBack(provider.calls[1]?.body).map(({ tool_call_id, content }) => [tool_call_id, content])).toEqual([
    ["a", '"slow"'],
    ["b", '"fast"'],
  ]);
});

test("ids and indexes that a provider uses again in a later turn are made unique", async () => {
  const { gateway, provider } = await startWithProvider(withTools(tool("t", () => ({ result: 1 }))));
  provider.reply(
    { slices: openAiCall("t", ["{}"], "call_0") },
    { slices: openAiCall("t", ["{}"], "call_0") },
    { slices: openAiText(["ok"]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  const calls = events.filter((event) => event.type === "tool_call");
  expect(calls.map(({ index }) => index)).toEqual([0, 1]);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  expect(results(events).map((event) => (event.type === "tool_result" ? event.id : ""))).toEqual(calls.map(({ id }) => id));
});

test("what a tool may do wrong is told in a sentence, to the person and to the model", async () => {
  const { gateway, provider } = await startWithProvider({
    ...withTools(
      tool("chosen", () => Promise.reject(new ToolError("There is no such order."))),
      tool("crash", () => {
        throw new Error("password is 1234");
      }),
      tool("large", () => ({ result: "x".repeat(70_000) })),
      tool("stuck", () => new Promise(() => undefined), { timeoutMs: 100 }),
    ),
  });
  provider.reply(
    {
      slices: parallelCalls(
        { id: "1", name: "chosen", arguments: "{}" },
        { id: "2", name: "crash", arguments: "{}" },
        { id: "3", name: "large", arguments: "{}" },
        { id: "4", name: "stuck", arguments: "{}" },
        { id: "5", name: "invented", arguments: "{}" },
        { id: "6", name: "chosen", arguments: '{"a":}' },
        { id: "7", name: "chosen", arguments: '{"a":' },
      ),
    },
    { slices: openAiText(["sorry"]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  const told = Object.fromEntries(results(events).map((event) => (event.type === "tool_result" ? [event.id, event.error] : [])));
  expect(told).toEqual({
    1: "There is no such order.",
    2: "The tool failed.",
    3: "The result is larger than 64 KB and was left out.",
    4: "No result within 1 s.",
    5: "There is no tool named invented.",
    6: "The arguments were not valid JSON, so the call was not run.",
    7: "The arguments were cut off, so the call was not run.",
  });
  expect(events.at(-1)).toMatchObject({ type: "done", reason: "stop" });
  expect(sentBack(provider.calls[1]?.body)[0]?.content).toBe('{"error":"There is no such order."}');
  expect(JSON.stringify(events) + gateway.log()).not.toContain("1234");
});

test("after the last permitted step the model is asked to answer without tools, and calls it still makes do not run", async () => {
  let runs = 0;
  const { gateway, provider } = await startWithProvider({ ...withTools(tool("t", () => ({ result: ++runs }))), maxSteps: 3 });
  provider.reply({ slices: openAiCall("t", ["{}"]) });
  const events = await readAll(await postChat(gateway.url, ask));
  expect(provider.calls).toHaveLength(3);
  expect(provider.calls.map(({ body }) => (body as { tool_choice?: string }).tool_choice)).toEqual([undefined, undefined, "none"]);
  expect(runs).toBe(2);
  expect(results(events).at(-1)).toMatchObject({ error: "Not run: the limit of 3 model turns is reached." });
  expect(events.at(-1)).toMatchObject({ type: "done", reason: "tool_calls" });
});

test("arguments that do not fit the schema never reach the tool; the person sees a failed call, the model reads why", async () => {
  const seen: unknown[] = [];
  const strict = tool("order", (input) => (seen.push(input), { result: 1 }), {
    parameters: { type: "object", properties: { number: { type: "string" } }, required: ["number"] },
  });
  const { gateway, provider } = await startWithProvider(withTools(strict));
  provider.reply(
    { slices: openAiCall("order", ['{"number":12}']) },
    { slices: openAiCall("order", ['{"__proto__":{"number":"1"}}'], "call_2") },
    { slices: openAiCall("order", ['{"number":"12"}'], "call_3") },
    { slices: openAiText(["ok"]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  expect(seen).toEqual([{ number: "12" }]);
  const calls = events.filter((event) => event.type === "tool_call");
  expect(calls.map((call) => [call.arguments, call.invalid ?? false])).toEqual([
    [null, true],
    [null, true],
    [{ number: "12" }, false],
  ]);
  expect(calls[0]?.argumentsText).toBe('{"number":12}');
  expect(results(events).map((event) => (event.type === "tool_result" ? event.error : ""))).toEqual([
    "The arguments do not fit the tool: number must be string. The call was not run.",
    "The arguments hold a key named __proto__, constructor or prototype, so the call was not run.",
    undefined,
  ]);
  expect(sentBack(provider.calls[1]?.body)[0]?.content).toContain("number must be string");
});

test("10 MB of a result, a result that is no JSON, and far too long words of a failure are cut off, and the answer goes on", async () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const { gateway, provider } = await startWithProvider(
    withTools(
      tool("huge", () => ({ result: "x".repeat(10_000_000) })),
      tool("hugeText", () => ({ result: 1, modelText: "x".repeat(10_000_000) })),
      tool("circle", () => ({ result: circle as never })),
      tool("nothing", () => ({ result: undefined as never })),
      tool("wordy", () => Promise.reject(new ToolError("x".repeat(10_000_000)))),
    ),
  );
  const names = ["huge", "hugeText", "circle", "nothing", "wordy"];
  provider.reply(
    { slices: parallelCalls(...names.map((name) => ({ id: name, name, arguments: "{}" }))) },
    { slices: openAiText(["sorry"]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  const told = Object.fromEntries(results(events).map((event) => (event.type === "tool_result" ? [event.id, event] : [])));
  expect(told["huge"]?.error).toBe("The result is larger than 64 KB and was left out.");
  expect(told["hugeText"]?.error).toBe("The result is larger than 64 KB and was left out.");
  expect(told["circle"]?.error).toBe("The tool failed: its result is not JSON.");
  expect(told["nothing"]).toMatchObject({ result: null });
  expect(told["wordy"]?.error?.length).toBe(4000);
  expect(JSON.stringify(provider.calls[1]?.body).length).toBeLessThan(10_000);
  expect(textOf(events)).toBe("sorry");
});

test("a tool that may not run beside others waits for those before it, and those after it wait for it", async () => {
  const order: string[] = [];
  const noting = (name: string, ms: number, more: Partial<Tool> = {}): Tool =>
    tool(
      name,
      async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, ms));
        order.push(`${name} ends`);
        return { result: name };
      },
      more,
    );
  const { gateway, provider } = await startWithProvider(
    withTools(noting("a", 40), noting("b", 10, { parallel: false }), noting("c", 1), noting("d", 1, { parallel: false })),
  );
  provider.reply(
    { slices: parallelCalls(...["a", "b", "c", "d"].map((name) => ({ id: name, name, arguments: "{}" }))) },
    { slices: openAiText(["ok"]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends", "d begins", "d ends"]);
  expect(textOf(events)).toBe("ok");
});

test("of very many calls in one turn 32 run", async () => {
  let runs = 0;
  const { gateway, provider } = await startWithProvider(withTools(tool("t", () => ({ result: ++runs }))));
  const many = Array.from({ length: 40 }, (_, at) => ({ id: `c${at}`, name: "t", arguments: "{}" }));
  provider.reply({ slices: parallelCalls(...many) }, { slices: openAiText(["ok"]) });
  const events = await readAll(await postChat(gateway.url, ask));
  expect(runs).toBe(32);
  expect(results(events)).toHaveLength(40);
  expect(results(events).filter((event) => event.type === "tool_result" && event.error?.startsWith("More than 32 calls"))).toHaveLength(8);
});

test("usage of all turns is added up", async () => {
  const { gateway, provider } = await startWithProvider(withTools(tool("t", () => ({ result: 1 }))));
  const usage = `data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n`;
  const call = openAiCall("t", ["{}"]);
  provider.reply({ slices: [...call.slice(0, -1), usage, ...call.slice(-1)] }, { slices: openAiText(["a", "b"]) });
  const events = await readAll(await postChat(gateway.url, ask));
  expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 17, outputTokens: 7, totalTokens: 24 }, metrics: { tokenCount: 7 } });
});

test("a model that was given no tools and calls one all the same reads why it did not run, and what it had said before", async () => {
  const { gateway, provider } = await startWithProvider(withTools());
  provider.reply(
    { slices: [...openAiText(["Let me ", "look."]).slice(0, 3), ...openAiCall("look", ["{}"])] },
    { slices: openAiText(["No."]) },
  );
  const events = await readAll(await postChat(gateway.url, ask));
  expect(provider.calls[0]?.body).not.toHaveProperty("tools");
  expect(results(events)[0]).toMatchObject({ name: "look", error: "There is no tool named look." });
  expect(textOf(events)).toBe("Let me look.No.");
  const sent = (provider.calls[1]!.body as { messages: object[] }).messages;
  expect(sent.slice(-2)).toMatchObject([
    { role: "assistant", content: "Let me look.", tool_calls: [{ function: { name: "look" } }] },
    { role: "tool", content: '{"error":"There is no tool named look."}' },
  ]);
});

test("a tool of the client is waited for, kept alive meanwhile, and answered once over HTTP", async () => {
  const { gateway, provider } = await startWithProvider({ heartbeatMs: 60 });
  provider.reply({ slices: openAiCall("page_title", ["{}"], "c1") }, { slices: openAiText(["Home."]) });
  const tools = [{ name: "page_title", description: "Title", parameters: { type: "object" } }];
  const response = await postChat(gateway.url, userSays("which page?", { tools }));
  const id = response.headers.get("x-stream-id");
  const post = (body: unknown): Promise<Response> =>
    fetch(`${gateway.url}/api/chat/stream/${id}/tool-results`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const whole = response.text();
  await eventually(() => provider.calls.length === 1, "the call");
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect((await post({ toolCallId: "other", result: 1 })).status).toBe(404);
  expect((await post({ toolCallId: "c1" })).status).toBe(400);
  expect((await post({ toolCallId: "c1", result: 1, error: "x" })).status).toBe(400);
  expect((await post({ toolCallId: "c1", result: "Home" })).status).toBe(202);
  expect((await post({ toolCallId: "c1", result: "Again" })).status).toBe(409);
  const text = await whole;
  expect(text).toContain(": keepalive");
  expect(text).toContain('"runsOn":"client"');
  expect(text).toContain("Home.");
  expect(sentBack(provider.calls[1]?.body)[0]?.content).toBe('"Home"');
});

test("a client that never answers its tool is given up on, and the model is told", async () => {
  const { gateway, provider } = await startWithProvider({ clientToolTimeoutMs: 100 });
  provider.reply({ slices: openAiCall("page_title", ["{}"], "c1") }, { slices: openAiText(["I could not look."]) });
  const tools = [{ name: "page_title", description: "Title", parameters: { type: "object" } }];
  const events = await readAll(await postChat(gateway.url, userSays("which page?", { tools })));
  expect(results(events)[0]).toMatchObject({ error: expect.stringContaining("No result within") as string });
  expect(events.at(-1)).toMatchObject({ type: "done" });
});

test("a resume after the call tells the call again under its id, and the tool has still run once", async () => {
  let runs = 0;
  const { gateway, provider } = await startWithProvider(withTools(tool("t", () => ({ result: ++runs }))));
  provider.reply({ slices: openAiCall("t", ["{}"]) }, { slices: openAiText(["ok"]), delayMs: 20 });
  const response = await postChat(gateway.url, ask);
  const id = response.headers.get("x-stream-id");
  await readUntil(response, (events) => events.some((event) => event.type === "tool_result"));
  const again = await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}`));
  expect(again.filter((event) => event.type === "tool_call")).toHaveLength(1);
  expect(textOf(again)).toBe("ok");
  expect(runs).toBe(1);
});

test("a provider of one's own that throws, or ends without an end, still ends the stream with an error", async () => {
  const gateway = await startTestGateway({
    providers: {
      thrower: {
        name: "thrower",
        async *stream() {
          yield { type: "token" as const, content: "a" };
          throw new Error("secret detail");
        },
      },
      endless: {
        name: "endless",
        async *stream() {
          yield { type: "token" as const, content: "b" };
        },
      },
    },
    agents: ["thrower", "endless"].map((id) => ({ id, name: id, instructions: "", model: `${id}/x`, tools: [] })),
  });
  const thrown = await readAll(await postChat(gateway.url, { ...userSays("x"), agentId: "thrower" }));
  expect(thrown.map((event) => event.type)).toEqual(["start", "token", "error"]);
  expect(thrown.at(-1)).toMatchObject({ code: "internal", message: "Something went wrong at the gateway." });
  const cut = await readAll(await postChat(gateway.url, { ...userSays("x"), agentId: "endless" }));
  expect(cut.map((event) => event.type)).toEqual(["start", "token", "error"]);
  expect(cut.at(-1)).toMatchObject({ code: "provider_error", message: "The model's answer was cut off. What came is kept." });
});
