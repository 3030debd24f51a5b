import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

import { ChanlClient, type ChanlClientOptions, type StreamOptions } from "./client.ts";
import { ChatError } from "./errors.ts";
import type { StreamChunk } from "./protocol/chunk.ts";
import type { ClientTool } from "./session/client-tools.ts";
import { collect } from "./testing/answer.ts";
import { TestGateway } from "./testing/gateway.ts";
import { createScriptedTransport } from "./testing/scripted-transport.ts";
import { watchTimers } from "./testing/timers.ts";
import { until } from "./testing/until.ts";
import type { WebSocketConstructor } from "./transport/web-socket.ts";

const METRICS = { ttft: 1, totalMs: 2, tokenCount: 2, tokensPerSecond: 3, decodeTokensPerSecond: 4 };
const TOKENS: StreamChunk[] = [
  { type: "token", content: "Hel" },
  { type: "token", content: "lo" },
];
const SCRIPT: StreamChunk[] = [
  { type: "reasoning", content: "Hm." },
  ...TOKENS,
  { type: "done", reason: "stop", usage: { outputTokens: 2 }, metrics: METRICS },
];
const ASK = [{ role: "user" as const, content: "Hi" }];

describe.each(["sse", "websocket"] as const)("ChanlClient over %s", (transport) => {
  let gateway: TestGateway;
  const clients: ChanlClient[] = [];
  beforeEach(async () => {
    gateway = await TestGateway.start({ script: SCRIPT });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await gateway.close();
  });

  function open(options: Partial<ChanlClientOptions> = {}): ChanlClient {
    const client = new ChanlClient({
      baseUrl: gateway.baseUrl,
      transport,
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      retry: { baseMs: 1, maxMs: 2 },
      ...options,
    });
    clients.push(client);
    return client;
  }

  async function stream(
    options: StreamOptions = {},
    onChunk: (chunk: StreamChunk) => void = () => undefined,
    client = open(),
  ): Promise<StreamChunk[]> {
    const chunks: StreamChunk[] = [];
    for await (const chunk of client.chat.stream("agent", ASK, options)) {
      chunks.push(chunk);
      onChunk(chunk);
    }
    return chunks;
  }

  const cancels = (): number => gateway.received.filter(({ method, path }) => method === "cancel" || path.endsWith("/cancel")).length;

  test("stream gives the answer as it comes, and ends with the one terminal chunk", async () => {
    expect((await stream()).map(({ type }) => type)).toEqual(["start", "reasoning", "token", "token", "done"]);
    expect(gateway.received.at(-1)?.body).toMatchObject({ agentId: "agent", messages: ASK, tools: [] });
  });

  test("a lost connection is resumed, never shown", async () => {
    gateway.faults.set("any", [{ stop: { afterFrames: 2, how: "rst" } }, { stop: { afterFrames: 1, how: "fin" } }]);
    expect((await stream()).map(({ type }) => type)).toEqual(["start", "reasoning", "token", "token", "done"]);
    expect(gateway.runs).toHaveLength(1);
  });

  test("send gives the whole answer", async () => {
    expect(await open().chat.send("agent", ASK)).toEqual({
      text: "Hello",
      reasoning: "Hm.",
      toolCalls: [],
      reason: "stop",
      usage: { outputTokens: 2 },
      metrics: METRICS,
    });
  });

  test("send throws what the stream ended with", async () => {
    gateway.script = [...TOKENS, { type: "error", code: "provider_rate_limited", message: "No.", retryable: true, retryAfterMs: 7 }];
    const error = await open()
      .chat.send("agent", ASK)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ChatError);
    expect(error).toMatchObject({ code: "provider_rate_limited", message: "No.", retryable: true, retryAfterMs: 7 });
  });

  test("the same requestId attaches to the run that exists", async () => {
    await stream({ requestId: "mine" });
    expect((await stream({ requestId: "mine" })).at(-1)).toMatchObject({ type: "done" });
    expect(gateway.runs).toHaveLength(1);
  });

  describe("aborting", () => {
    beforeEach(() => {
      gateway.script = TOKENS;
    });

    test("during the answer: the gateway hears it, and the stream ends with cancelled", async () => {
      const timers = watchTimers();
      const stop = new AbortController();
      const client = open();
      const chunks = await stream({ signal: stop.signal }, ({ type }) => void (type === "token" && stop.abort()), client);
      expect(chunks.map(({ type }) => type)).toEqual(["start", "token", "cancelled"]);
      await until("the run is cancelled", () => gateway.latest.ended);
      expect(cancels()).toBe(1);
      client.close();
      await until("nobody follows", () => gateway.followers === 0);
      expect(timers.pending()).toBe(0);
      timers.restore();
    });

    test("while it waits for the next chunk", async () => {
      const stop = new AbortController();
      let tokens = 0;
      const chunks = await stream({ signal: stop.signal }, ({ type }) => {
        if (type === "token" && ++tokens === 2) setTimeout(() => stop.abort(), 20);
      });
      expect(chunks.map(({ type }) => type)).toEqual(["start", "token", "token", "cancelled"]);
      await until("the run is cancelled", () => gateway.latest.ended);
    });

    test("before the first event: cancelled as soon as the run has a name", async () => {
      const stop = new AbortController();
      const streaming = stream({ signal: stop.signal });
      await until("it was asked", () => gateway.received.length > 0);
      stop.abort();
      expect((await streaming).at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
      await until("the run is cancelled", () => gateway.latest.ended);
      expect(cancels()).toBe(1);
    });

    test("before it begins: nothing is asked, nobody pays", async () => {
      expect(await stream({ signal: AbortSignal.abort() })).toEqual([{ type: "cancelled", reason: "user" }]);
      expect(gateway.received).toEqual([]);
    });

    test("after the end changes nothing", async () => {
      gateway.script = SCRIPT;
      const stop = new AbortController();
      const chunks = await stream({ signal: stop.signal }, ({ type }) => void (type === "done" && stop.abort()));
      expect(chunks.at(-1)).toMatchObject({ type: "done" });
      expect(cancels()).toBe(0);
    });

    test("send tells it by its reason", async () => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      expect(await open().chat.send("agent", ASK, { signal: stop.signal })).toMatchObject({ reason: "cancelled" });
    });
  });

  describe("tools that run here", () => {
    const look = (run: ClientTool["run"]): StreamOptions => ({
      tools: { look: { description: "Looks.", parameters: { type: "object" }, run } },
    });
    beforeEach(() => {
      gateway.script = [{ type: "tool_call", index: 0, id: "x", name: "look", arguments: { q: 1 }, runsOn: "client" }];
      gateway.onToolResult = (run, result) =>
        run.append({ type: "token", content: JSON.stringify(result) }, { type: "done", reason: "stop" });
    });
    const said = async (options: StreamOptions): Promise<unknown> =>
      JSON.parse((await open().chat.send("agent", ASK, options)).text) as unknown;

    test("are told to the gateway, and their result goes back", async () => {
      expect(await said(look((args) => ({ got: args })))).toEqual({ toolCallId: "x", result: { got: { q: 1 } } });
      expect(gateway.received[0]?.body["tools"]).toEqual([{ name: "look", description: "Looks.", parameters: { type: "object" } }]);
    });

    test("that throw give an error result", async () => {
      expect(
        await said(
          look(() => {
            throw new Error("No such page.");
          }),
        ),
      ).toEqual({ toolCallId: "x", error: "No such page." });
    });

    test("that do not exist give an error result", async () => {
      expect(await said({})).toEqual({ toolCallId: "x", error: "No tool named look runs here." });
    });

    test("run once over a cut", async () => {
      gateway.faults.set("any", [{ stop: { afterFrames: 2, how: "rst" } }]);
      let runs = 0;
      expect(await said(look(() => ++runs))).toEqual({ toolCallId: "x", result: 1 });
    });

    test("hear the abort", async () => {
      const stop = new AbortController();
      let heard = false;
      await stream({
        signal: stop.signal,
        ...look(
          (_, { signal }) =>
            new Promise(() => {
              signal.addEventListener("abort", () => (heard = true));
              stop.abort();
            }),
        ),
      });
      expect(heard).toBe(true);
    });
  });
});

describe("ChanlClient", () => {
  let gateway: TestGateway;
  beforeEach(async () => {
    gateway = await TestGateway.start({ script: SCRIPT });
  });
  afterEach(() => gateway.close());

  test("the key goes along as a bearer token, beside other headers", async () => {
    const client = new ChanlClient({ baseUrl: `${gateway.baseUrl}/`, apiKey: "k", headers: { "X-Site": "s", Authorization: "other" } });
    await collect(client.chat.stream("agent", ASK));
    expect(gateway.received[0]?.headers).toMatchObject({ authorization: "Bearer k", "x-site": "s" });
  });

  test("agents are created with the default model, or their own", async () => {
    const client = new ChanlClient({ baseUrl: gateway.baseUrl, model: "m1" });
    expect(await client.agents.create({ name: "n", instructions: "i" })).toMatchObject({ id: "agent_1", model: "m1" });
    expect(await client.agents.create({ name: "n", instructions: "i", model: "m2" })).toMatchObject({ model: "m2" });
    expect(gateway.received.map(({ path }) => path)).toEqual(["/api/agents", "/api/agents"]);
  });

  test("a refused agent is a typed error with the gateway's sentence", async () => {
    gateway.refusals.set("/api/agents", [401]);
    await expect(new ChanlClient({ baseUrl: gateway.baseUrl }).agents.create({ name: "n", instructions: "i" })).rejects.toMatchObject({
      name: "ChatError",
      code: "unauthorized",
      status: 401,
      message: "The gateway says unauthorized.",
    });
  });

  test("a transport of one's own is used", async () => {
    const transport = createScriptedTransport();
    const streaming = collect(new ChanlClient({ transport }).chat.stream("agent", ASK));
    await new Promise((resolve) => setImmediate(resolve));
    await transport.latest.start();
    await transport.latest.end();
    expect(await streaming).toHaveLength(2);
  });

  test("an unknown transport is the caller's mistake", () => {
    expect(() => new ChanlClient({ transport: "ws" as never })).toThrow(/unknown transport "ws".*websocket/);
  });
});
