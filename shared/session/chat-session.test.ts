import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ChatError } from "../errors.ts";
import type { StreamChunk, ToolCallChunk } from "../protocol/chunk.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { createRandom } from "../testing/random.ts";
import { createScriptedTransport, settled, type ScriptedTransport } from "../testing/scripted-transport.ts";
import { watchTimers, type TimerWatch } from "../testing/timers.ts";
import { ChatSession, type ChatSessionOptions } from "./chat-session.ts";
import { ClientTools, type ClientTool } from "./client-tools.ts";
import type { ConversationStore, StoredConversation } from "./conversation-store.ts";
import { createWebStorageStore } from "./web-storage-store.ts";
import { messageText, type ChatMessage } from "./message.ts";

/** A store in memory that keeps every save, as text: what is saved must not change afterwards. */
function memoryStore(): ConversationStore & { saves: string[]; read(id?: string): StoredConversation | null } {
  const kept = new Map<string, string>();
  const saves: string[] = [];
  const read = (id = "c"): StoredConversation | null => JSON.parse(kept.get(id) ?? "null") as StoredConversation | null;
  return {
    saves,
    read,
    load: (id) => Promise.resolve(read(id)),
    save(id, conversation) {
      const text = JSON.stringify(conversation);
      saves.push(text);
      kept.set(id, text);
    },
    remove: (id) => void kept.delete(id),
  };
}

let transport: ScriptedTransport;
let timers: TimerWatch;
const sessions: ChatSession[] = [];
beforeEach(() => {
  transport = createScriptedTransport();
  timers = watchTimers();
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.dispose();
  for (const run of transport.runs) run.queue.end();
  await settled();
  expect(timers.pending(), "timers left by a disposed session").toBe(0);
  timers.restore();
});

type Options = Partial<Omit<ChatSessionOptions, "tools">> & {
  tools?: Record<string, ClientTool>;
  onToolCall?: (call: ToolCallChunk) => unknown;
};

function open({ tools, onToolCall, ...options }: Options = {}): ChatSession {
  const session = new ChatSession({
    transport,
    agentId: "agent",
    conversationId: "c",
    tools: new ClientTools(tools, onToolCall),
    ...options,
  });
  sessions.push(session);
  return session;
}

const answer = (session: ChatSession): ChatMessage => session.getSnapshot().messages.findLast(({ role }) => role === "assistant")!;
const texts = (session: ChatSession): string[] => session.getSnapshot().messages.map(messageText);
const toolCall = (id: string, more: Partial<ToolCallChunk> = {}): ToolCallChunk => ({
  type: "tool_call",
  index: 0,
  id,
  name: "look",
  arguments: { q: 1 },
  runsOn: "client",
  ...more,
});

describe("send", () => {
  test("the question shows before it returns, with an answer that waits", () => {
    const session = open({ now: new ManualClock(77).now });
    void session.send("Hi");
    expect(session.getSnapshot()).toMatchObject({
      isStreaming: true,
      state: "connecting",
      messages: [
        { role: "user", status: "complete", createdAt: 77, parts: [{ type: "text", text: "Hi" }] },
        { role: "assistant", status: "pending", parts: [] },
      ],
    });
  });

  test("settles with the ended answer", async () => {
    const session = open();
    const sending = session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("Hel", "lo");
    expect(session.getSnapshot()).toMatchObject({ state: "streaming", isStreaming: true });
    await transport.latest.end();
    const message = await sending;
    expect(message).toMatchObject({ status: "complete", finishReason: "stop" });
    expect(messageText(message!)).toBe("Hello");
    expect(session.getSnapshot()).toMatchObject({ state: "idle", isStreaming: false });
  });

  test("the request carries the conversation, the agent, the tools, and an id of its own", async () => {
    const look: ClientTool = { description: "Looks.", parameters: { type: "object" }, run: () => 1 };
    const session = open({ tools: { look } });
    void session.send("One");
    await transport.latest.start();
    await transport.latest.token("Answer");
    await transport.latest.end();
    void session.send("Two");
    const [first, second] = transport.runs.map(({ request }) => request!);
    expect(first).toMatchObject({
      agentId: "agent",
      conversationId: "c",
      messages: [{ role: "user", content: "One" }],
      tools: [{ name: "look", description: "Looks.", parameters: { type: "object" } }],
    });
    expect(second!.messages.map(({ content }) => content)).toEqual(["One", "Answer", "Two"]);
    expect(second!.requestId).not.toBe(first!.requestId);
  });

  test("while an answer is running, and with nothing to say, it is null and changes nothing", async () => {
    const session = open();
    expect(await session.send("  \n")).toBeNull();
    void session.send("One");
    const before = session.getSnapshot();
    expect(await session.send("Two")).toBeNull();
    expect(session.getSnapshot()).toBe(before);
    expect(transport.runs).toHaveLength(1);
  });

  test("an error ends the answer and is told once, and never rejects", async () => {
    const session = open();
    const errors: unknown[] = [];
    session.onError((error) => errors.push(error));
    const sending = session.send("Hi");
    await transport.latest.end({ type: "error", code: "provider_error", message: "No.", retryable: true });
    expect(await sending).toMatchObject({ status: "error", error: { code: "provider_error" } });
    expect(errors).toEqual([{ code: "provider_error", message: "No.", retryable: true }]);
    expect(session.getSnapshot().state).toBe("error");
  });

  test("a transport that stops without a word is an interruption", async () => {
    const session = open();
    const sending = session.send("Hi");
    transport.latest.queue.end();
    expect(await sending).toMatchObject({ status: "interrupted", error: { code: "truncated" } });
  });
});

describe("the snapshot", () => {
  test("is the same object until something changes", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    const before = session.getSnapshot();
    expect(session.getSnapshot()).toBe(before);
    await transport.latest.token("a");
    const after = session.getSnapshot();
    expect(after).not.toBe(before);
    expect(after.messages[0]).toBe(before.messages[0]);
    expect(session.getSnapshot()).toBe(after);
  });

  test("each change is told, with the new snapshot in place", async () => {
    const session = open();
    const seen: string[] = [];
    const unsubscribe = session.subscribe(() => seen.push(texts(session).join("|")));
    void session.send("Hi");
    await transport.latest.token("a", "b");
    expect(seen).toContain("Hi|");
    expect(seen.slice(-2)).toEqual(["Hi|a", "Hi|ab"]);
    unsubscribe();
    const count = seen.length;
    await transport.latest.token("c");
    expect(seen).toHaveLength(count);
  });

  test("onChunk gives each chunk with the message it made", async () => {
    const session = open();
    const seen: [string, string][] = [];
    session.onChunk(({ type }, message) => seen.push([type, messageText(message)]));
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("a", "b");
    await transport.latest.end();
    expect(seen).toEqual([
      ["start", ""],
      ["token", "a"],
      ["token", "ab"],
      ["done", "ab"],
    ]);
  });

  test.each<[string, StreamChunk[], string]>([
    ["a running tool", [toolCall("x", { runsOn: "server" })], "tool"],
    ["a tool that waits for a person", [toolCall("x", { runsOn: "server", needsApproval: true })], "awaiting-approval"],
    ["text after a tool", [toolCall("x", { runsOn: "server" }), { type: "token", content: "a" }], "streaming"],
    ["reasoning", [{ type: "reasoning", content: "a" }], "streaming"],
  ])("%s shows in the state", async (_, chunks, state) => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say(...chunks);
    expect(session.getSnapshot().state).toBe(state);
  });

  test("reconnecting shows with its notice, until a connection delivers again", async () => {
    const session = open();
    void session.send("Hi");
    const notice = { attempt: 1, maxAttempts: 5, delayMs: 300, cause: new ChatError("network", "x", { retryable: true }) };
    transport.latest.options.onReconnect?.(notice);
    expect(session.getSnapshot()).toMatchObject({ state: "reconnecting", reconnect: notice });
    transport.latest.options.onConnected?.();
    expect(session.getSnapshot()).toMatchObject({ state: "connecting", reconnect: null });
    transport.latest.options.onReconnect?.(notice);
    await transport.latest.end();
    expect(session.getSnapshot()).toMatchObject({ state: "idle", reconnect: null });
  });

  test("a skipped frame is told as an error, and the answer goes on", async () => {
    const session = open();
    const codes: string[] = [];
    session.onError(({ code }) => codes.push(code));
    void session.send("Hi");
    transport.latest.options.onProtocolError?.(new ChatError("bad_frame", "x"));
    await transport.latest.token("a");
    expect(codes).toEqual(["bad_frame"]);
    expect(session.getSnapshot().isStreaming).toBe(true);
  });

  test("time to first token and rate are live, and then the gateway's own", async () => {
    const clock = new ManualClock();
    const session = open({ now: clock.now });
    void session.send("Hi");
    clock.advance(120);
    await transport.latest.token("a");
    expect(session.getSnapshot()).toMatchObject({ ttft: 120, tokensPerSecond: null });
    clock.advance(500);
    await transport.latest.token("b");
    expect(session.getSnapshot().tokensPerSecond).toBe(4);
    await transport.latest.end({
      type: "done",
      reason: "stop",
      metrics: { ttft: 90, totalMs: 1, tokenCount: 2, tokensPerSecond: 33, decodeTokensPerSecond: 44 },
    });
    expect(session.getSnapshot()).toMatchObject({ ttft: 90, tokensPerSecond: 33 });
  });

  test("without the gateway's metrics the session's own stay", async () => {
    const clock = new ManualClock();
    const session = open({ now: clock.now });
    void session.send("Hi");
    clock.advance(100);
    await transport.latest.token("a");
    clock.advance(100);
    await transport.latest.end();
    expect(answer(session).metrics).toMatchObject({ ttft: 100, totalMs: 200, tokenCount: 1, estimated: true });
  });
});

test("a view that throws does not end the answer, and its error is not swallowed", async () => {
  const uncaught: unknown[] = [];
  const microtasks = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((task) => {
    try {
      task();
    } catch (error) {
      uncaught.push(error);
    }
  });
  const session = open();
  const broken = (): void => {
    throw new Error("a view's bug");
  };
  session.onChunk(broken);
  const sending = session.send("Hi");
  await transport.latest.token("Hello");
  await transport.latest.end();
  expect(await sending).toMatchObject({ status: "complete" });
  expect(uncaught).not.toEqual([]);
  microtasks.mockRestore();
});

describe("stop", () => {
  const phases: [string, (run: ScriptedTransport["latest"]) => Promise<void>, string][] = [
    ["before the first event", () => settled(), ""],
    ["during tokens", (run) => run.start().then(() => run.token("Hel")), "Hel"],
    [
      "during a tool call",
      async (run) => {
        await run.start();
        await run.token("Hel");
        await run.say(toolCall("x", { runsOn: "server" }));
      },
      "Hel",
    ],
  ];

  test.each(phases)("%s: at once for the person, cancelled once, and later chunks change nothing", async (_, reach, text) => {
    const session = open();
    const sending = session.send("Hi");
    const run = transport.latest;
    await reach(run);
    const stopping = session.stop();
    expect(session.getSnapshot()).toMatchObject({ isStreaming: false, state: "idle" });
    expect(answer(session)).toMatchObject({ status: "stopped" });
    expect(answer(session).parts.every((part) => part.type !== "tool_call" || part.state === "cancelled")).toBe(true);
    const after = session.getSnapshot();
    await session.stop();
    await run.start();
    await run.token("late");
    await run.end({ type: "cancelled", reason: "user" });
    await stopping;
    expect(messageText((await sending)!)).toBe(text);
    expect(transport.cancelled).toEqual([run.streamId]);
    expect(session.getSnapshot()).toBe(after);
  });

  test("what was stopped is no longer followed, once the gateway has heard", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    await session.stop();
    await settled();
    expect(transport.latest.options.signal?.aborted).toBe(true);
  });

  test("a cancel that fails is told again until the gateway has heard", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    transport.cancelFailures.push(new ChatError("network", "x", { retryable: true }), new Error("x"));
    const stopping = session.stop();
    await vi.advanceTimersByTimeAsync(2000);
    await stopping;
    expect(transport.cancelled).toEqual(["s1"]);
    vi.useRealTimers();
  });

  test("a cancel that the gateway refuses is not told again", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    transport.cancelFailures.push(new ChatError("not_found", "x"));
    await session.stop();
    expect(transport.cancelled).toEqual([]);
  });

  test("with nothing running it does nothing", async () => {
    const session = open();
    await session.stop();
    expect(transport.cancelled).toEqual([]);
  });

  test("it tells a tool that runs here", async () => {
    let signal: AbortSignal | undefined;
    const session = open({
      tools: { look: { description: "", parameters: {}, run: (_, context) => new Promise(() => (signal = context.signal)) } },
    });
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say(toolCall("x"));
    await session.stop();
    expect(signal?.aborted).toBe(true);
  });
});

describe("the latest run wins", () => {
  test("chunks of a stopped run do not reach the one after it", async () => {
    const session = open();
    void session.send("One");
    const first = transport.latest;
    await first.start();
    await first.token("old ");
    void session.stop();
    void session.send("Two");
    const second = transport.latest;
    await second.start();
    await first.token("late ");
    await second.token("new");
    await first.end();
    expect(session.getSnapshot().isStreaming).toBe(true);
    await second.end();
    expect(texts(session)).toEqual(["One", "old ", "Two", "new"]);
  });

  test("a run stopped before it had a name is cancelled when it gets one, and only it", async () => {
    const session = open();
    void session.send("One");
    const first = transport.latest;
    void session.stop();
    void session.send("Two");
    await first.start();
    await transport.latest.start();
    await transport.latest.end();
    expect(transport.cancelled).toEqual(["s1"]);
    expect(answer(session)).toMatchObject({ status: "complete", streamId: "s2" });
  });

  test("notices of an older run are not shown", async () => {
    const session = open();
    void session.send("One");
    const first = transport.latest;
    await first.start();
    void session.stop();
    void session.send("Two");
    first.options.onReconnect?.({ attempt: 1, maxAttempts: 5, delayMs: 1, cause: new ChatError("network", "x") });
    expect(session.getSnapshot().reconnect).toBeNull();
  });

  test("newConversation ends the run and forgets all of it, in the store too", async () => {
    const store = memoryStore();
    const session = open({ store });
    void session.send("One");
    const first = transport.latest;
    await first.start();
    await first.token("a");
    session.newConversation("d");
    await first.token("late");
    expect(session.getSnapshot()).toMatchObject({ messages: [], isStreaming: false, conversationId: "d", restored: false });
    expect(store.read("c")).toBeNull();
    expect(transport.cancelled).toEqual(["s1"]);
    void session.send("Two");
    await transport.latest.token("b");
    await transport.latest.end();
    expect(texts(session)).toEqual(["Two", "b"]);
    expect(store.read("c")).toBeNull();
    expect(store.read("d")?.messages).toHaveLength(2);
  });
});

describe("retry", () => {
  test("asks the last question again, and its answer is replaced", async () => {
    const session = open();
    void session.send("One");
    await transport.latest.token("bad");
    await transport.latest.end({ type: "error", code: "provider_error", message: "No.", retryable: true });
    const retrying = session.retry();
    expect(texts(session)).toEqual(["One", ""]);
    await transport.latest.token("good");
    await transport.latest.end();
    expect(messageText((await retrying)!)).toBe("good");
    expect(texts(session)).toEqual(["One", "good"]);
    const [first, second] = transport.runs;
    expect(second!.request!.messages).toEqual(first!.request!.messages);
    expect(second!.request!.requestId).not.toBe(first!.request!.requestId);
  });

  test("after an interruption it ends the run that nobody will read any more", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("Hel");
    await transport.latest.lose();
    void session.retry();
    await settled();
    expect(transport.cancelled).toEqual(["s1"]);
    expect(transport.runs).toHaveLength(2);
  });

  test("is null while an answer runs, and with no question", async () => {
    const session = open();
    expect(await session.retry()).toBeNull();
    void session.send("One");
    expect(await session.retry()).toBeNull();
    expect(transport.runs).toHaveLength(1);
  });
});

describe("continue", () => {
  async function interrupted(session: ChatSession): Promise<void> {
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("Hel");
    await transport.latest.lose();
  }

  test("picks the answer up at the cursor", async () => {
    const session = open();
    await interrupted(session);
    expect(session.getSnapshot().state).toBe("interrupted");
    const continuing = session.continue();
    expect(session.getSnapshot().isStreaming).toBe(true);
    expect(answer(session).error).toBeUndefined();
    expect(transport.latest).toMatchObject({ request: null, streamId: "s1", lastSeq: 2 });
    await transport.latest.token("lo");
    await transport.latest.end();
    expect(await continuing).toMatchObject({ status: "complete", error: undefined });
    expect(texts(session)).toEqual(["Hi", "Hello"]);
  });

  test("goes on inside a call's arguments and inside reasoning", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say({ type: "tool_call_delta", index: 0, id: "x", name: "look", arguments: '{"q"' });
    await transport.latest.lose();
    void session.continue();
    await transport.latest.say({ type: "tool_call_delta", index: 0, arguments: ":1}" }, toolCall("x", { runsOn: "server" }));
    await transport.latest.say({ type: "tool_result", id: "x", name: "look", result: 1, ms: 1 }, { type: "reasoning", content: "a" });
    await transport.latest.lose();
    void session.continue();
    await transport.latest.say({ type: "reasoning", content: "b" });
    await transport.latest.end();
    expect(answer(session).parts).toMatchObject([
      { argumentsText: '{"q":1}', state: "complete" },
      { type: "reasoning", text: "ab" },
    ]);
  });

  test("may be interrupted again", async () => {
    const session = open();
    await interrupted(session);
    void session.continue();
    await transport.latest.token("l");
    await transport.latest.lose();
    void session.continue();
    expect(transport.latest.lastSeq).toBe(3);
    await transport.latest.token("o");
    await transport.latest.end();
    expect(texts(session)).toEqual(["Hi", "Hello"]);
  });

  test("is null when nothing was interrupted, while an answer runs, and before a stream had a name", async () => {
    const session = open();
    expect(await session.continue()).toBeNull();
    void session.send("Hi");
    expect(await session.continue()).toBeNull();
    await transport.latest.lose();
    expect(await session.continue()).toBeNull();
    expect(transport.runs).toHaveLength(1);
  });

  test.each<StreamChunk>([
    { type: "cancelled", reason: "timeout" },
    { type: "error", code: "truncated", message: "x", retryable: true },
  ])("is null after the run's own end ($type): there is nothing behind it to pick up", async (chunk) => {
    const store = memoryStore();
    const session = open({ store });
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("Hel");
    await transport.latest.end(chunk);
    expect(session.getSnapshot().state).toBe("interrupted");
    expect(await session.continue()).toBeNull();
    expect(store.read()?.active).toBeNull();
  });
});

describe("restore", () => {
  /** A session whose page goes away, and one that comes after it. */
  async function reload(
    before: (session: ChatSession) => Promise<void>,
    options: Options = {},
  ): Promise<{ session: ChatSession; restoring: Promise<void>; store: ReturnType<typeof memoryStore> }> {
    const store = memoryStore();
    const first = open({ store, ...options });
    await before(first);
    first.dispose();
    const session = open({ store, ...options });
    const restoring = session.restore();
    await settled();
    return { session, restoring, store };
  }

  test("an ended conversation comes back, and nothing is asked", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await transport.latest.token("Hello");
      await transport.latest.end();
    });
    await restoring;
    expect(session.getSnapshot()).toMatchObject({ restored: true, isStreaming: false });
    expect(texts(session)).toEqual(["Hi", "Hello"]);
    expect(transport.runs).toHaveLength(1);
  });

  test("a running answer is picked up by its stream, after what is shown", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await transport.latest.start();
      await transport.latest.token("Hel");
    });
    expect(transport.latest).toMatchObject({ request: null, streamId: "s1", lastSeq: 2 });
    await transport.latest.token("lo");
    await transport.latest.end();
    await restoring;
    expect(texts(session)).toEqual(["Hi", "Hello"]);
    expect(answer(session).status).toBe("complete");
  });

  test("an answer without a name yet is asked for again with the same requestId", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await settled();
    });
    const [first, second] = transport.runs;
    expect(second!.request).toEqual(first!.request);
    await second!.start();
    await second!.token("Hello");
    await second!.end();
    await restoring;
    expect(texts(session)).toEqual(["Hi", "Hello"]);
  });

  test("after a stop nothing is brought back", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await transport.latest.start();
      await transport.latest.token("Hel");
      void first.stop();
    });
    await restoring;
    expect(transport.runs).toHaveLength(1);
    expect(answer(session)).toMatchObject({ status: "stopped" });
    expect(session.getSnapshot().isStreaming).toBe(false);
  });

  test("an interrupted answer is picked up, and its error is gone", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await transport.latest.start();
      await transport.latest.token("Hel");
      await transport.latest.lose();
    });
    expect(session.getSnapshot()).toMatchObject({ isStreaming: true, state: "streaming" });
    await transport.latest.token("lo");
    await transport.latest.end();
    await restoring;
    expect(answer(session)).toMatchObject({ status: "complete" });
    expect(answer(session).error).toBeUndefined();
  });

  test("what is no longer there ends it as interrupted", async () => {
    const { session, restoring } = await reload(async (first) => {
      void first.send("Hi");
      await transport.latest.start();
      await transport.latest.token("Hel");
    });
    await transport.latest.lose();
    await restoring;
    expect(answer(session)).toMatchObject({ status: "interrupted" });
  });

  test("a conversation that has begun meanwhile is not overwritten", async () => {
    const store = memoryStore();
    store.save("c", {
      v: 1,
      messages: [{ id: "1", role: "user", parts: [{ type: "text", text: "old" }], status: "complete", createdAt: 0 }],
      active: null,
    });
    const session = open({ store });
    const restoring = session.restore();
    void session.send("new");
    await restoring;
    expect(texts(session)).toEqual(["new", ""]);
  });

  test("with nothing stored it stays empty", async () => {
    const session = open({ store: memoryStore() });
    await session.restore();
    expect(session.getSnapshot()).toMatchObject({ messages: [], restored: false });
    await open().restore();
  });
});

describe("what is stored", () => {
  test("text and cursor always agree: any save, replayed, gives the whole text and nothing twice", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const run = async (seed: number): Promise<void> => {
      const random = createRandom(seed);
      const store = memoryStore();
      const session = open({ store });
      const listener = (): void => void (random.chance(0.2) && session.flush());
      session.subscribe(listener);
      session.onChunk(listener);
      void session.send("Hi");
      await transport.latest.start();
      const all = Array.from({ length: 20 }, (_, at) => `${at},`);
      for (const content of all) {
        await transport.latest.token(content);
        if (random.chance(0.2)) vi.advanceTimersByTime(random.below(300));
      }
      for (const save of store.saves) {
        const { messages, active } = JSON.parse(save) as StoredConversation;
        if (!active) throw new Error("a running answer was saved without its run");
        const text = messageText(messages.at(-1)!);
        expect(text + all.slice(Math.max(0, active.lastSeq - 1)).join(""), `seed ${seed}`).toBe(all.join(""));
      }
      await transport.latest.end();
      expect(store.read()?.active).toBeNull();
      session.dispose();
    };
    return (async () => {
      const first = Number(process.env["CHANL_SEED"] ?? Math.floor(Math.random() * 1e9));
      for (let seed = first; seed < first + 30; seed++) await run(seed);
      vi.useRealTimers();
    })();
  });

  test("the question is saved at once, before anything came", () => {
    const store = memoryStore();
    void open({ store }).send("Hi");
    expect(store.read()).toMatchObject({
      v: 1,
      messages: [{ role: "user" }, { status: "pending" }],
      active: { streamId: null, lastSeq: 0, requestId: transport.latest.request!.requestId },
    });
  });

  test("an answer in progress is saved at most every 250 ms", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const store = memoryStore();
    void open({ store }).send("Hi");
    for (let count = 0; count < 50; count++) {
      await transport.latest.token("x");
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(store.saves.length).toBeLessThanOrEqual(4);
    expect(store.saves.length).toBeGreaterThanOrEqual(2);
    vi.useRealTimers();
  });

  test("flush saves now, for a page that goes away", async () => {
    const store = memoryStore();
    const session = open({ store });
    void session.send("Hi");
    await transport.latest.token("Hel");
    session.flush();
    expect(messageText(store.read()!.messages.at(-1)!)).toBe("Hel");
    expect(store.read()?.active?.lastSeq).toBe(1);
  });

  test("an empty conversation is not stored", () => {
    const store = memoryStore();
    open({ store }).flush();
    expect(store.saves).toEqual([]);
  });
});

describe("tools that run here", () => {
  const look = (run: ClientTool["run"]): Record<string, ClientTool> => ({ look: { description: "", parameters: {}, run } });

  async function withCall(options: Options, call = toolCall("x")): Promise<ChatSession> {
    const session = open(options);
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say(call);
    return session;
  }

  test("the result goes back to the run", async () => {
    const seen: unknown[] = [];
    await withCall({
      tools: look((args, { toolCallId, signal }) => (seen.push([args, toolCallId, signal.aborted]), Promise.resolve({ found: 3 }))),
    });
    expect(seen).toEqual([[{ q: 1 }, "x", false]]);
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", result: { found: 3 } }]);
  });

  test("nothing returned is null", async () => {
    await withCall({ tools: look(() => undefined) });
    expect(transport.toolResults).toMatchObject([{ result: null }]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("No such page.");
      },
      "No such page.",
    ],
    ["rejects", () => Promise.reject(new Error("No such page.")), "No such page."],
    ["throws no Error", () => Promise.reject("x"), "The tool failed."],
  ])("a tool that %s gives an error result", async (_, run, error) => {
    await withCall({ tools: look(run) });
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", error }]);
  });

  test("a call that nothing here can run gives an error result, so that the model is not left waiting", async () => {
    await withCall({});
    await withCall({ tools: look(() => 1) }, toolCall("y", { name: "constructor" }));
    expect(transport.toolResults).toMatchObject([
      { toolCallId: "x", error: expect.stringContaining("look") as string },
      { toolCallId: "y", error: expect.stringContaining("constructor") as string },
    ]);
  });

  test("onToolCall answers a call without a tool", async () => {
    await withCall({ onToolCall: ({ id }) => Promise.resolve(`from ${id}`) });
    expect(transport.toolResults).toMatchObject([{ result: "from x" }]);
  });

  test("onToolCall hears calls that run elsewhere, and what it returns goes nowhere", async () => {
    const heard: string[] = [];
    await withCall({ onToolCall: ({ id }) => heard.push(id) }, toolCall("x", { runsOn: "server" }));
    expect(heard).toEqual(["x"]);
    expect(transport.toolResults).toEqual([]);
  });

  test("an onToolCall that fails does not keep the tool from running, and breaks nothing", async () => {
    await withCall({ tools: look(() => 1), onToolCall: () => Promise.reject(new Error("listener")) });
    await settled();
    expect(transport.toolResults).toMatchObject([{ result: 1 }]);
  });

  test.each<Partial<ToolCallChunk>>([{ incomplete: true, arguments: null }, { invalid: true, arguments: null }, { needsApproval: true }])(
    "a call that is %j is not run",
    async (more) => {
      let runs = 0;
      await withCall({ tools: look(() => runs++) }, toolCall("x", more));
      expect(runs).toBe(0);
      expect(transport.toolResults).toEqual([]);
    },
  );

  test("a call runs once and is told once, even when it is replayed", async () => {
    let runs = 0;
    const heard: string[] = [];
    const session = await withCall({ tools: look(() => runs++), onToolCall: ({ id }) => heard.push(id) });
    await transport.latest.say(toolCall("x"));
    await transport.latest.lose();
    void session.continue();
    await transport.latest.say(toolCall("x"), toolCall("y"));
    expect(runs).toBe(2);
    expect(heard).toEqual(["x", "y"]);
    expect(transport.toolResults.map(({ toolCallId }) => toolCallId)).toEqual(["x", "y"]);
  });

  test("a call of the next answer with the id of an earlier one runs: providers that give no ids count from 0 in each answer", async () => {
    let runs = 0;
    const session = await withCall({ tools: look(() => runs++) }, toolCall("call_0"));
    await transport.latest.end();
    void session.send("Again");
    await settled();
    await transport.latest.start();
    await transport.latest.say(toolCall("call_0"));
    expect(runs).toBe(2);
    expect(transport.toolResults).toHaveLength(2);
  });

  test("a tool whose page was reloaded while it ran begins again in the new page, and the answer goes on", async () => {
    const store = memoryStore();
    const first = await withCall({ store, tools: look(() => new Promise(() => undefined)) });
    first.dispose();
    const second = open({ store, tools: look((args) => ({ again: args })) });
    void second.restore();
    await settled();
    await transport.latest.say(toolCall("x"));
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", result: { again: { q: 1 } } }]);
  });

  test("a tool that may begin only once is answered after a reload, so that the model is not left waiting", async () => {
    let runs = 0;
    const store = memoryStore();
    const tools = { look: { ...look(() => new Promise(() => runs++))["look"]!, once: true } };
    const first = await withCall({ store, tools });
    first.dispose();
    void open({ store, tools }).restore();
    await settled();
    await transport.latest.say(toolCall("x"));
    expect(runs).toBe(1);
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", error: "The page was reloaded while the tool ran." }]);
  });

  test("a tool that had ended is not run again after a reload: its result goes out from the store", async () => {
    let runs = 0;
    const store = memoryStore();
    transport.toolResultFailures.push(new Error("offline"));
    const first = await withCall({ store, tools: look(() => ++runs) });
    await settled();
    first.dispose();
    expect(store.read()?.active?.results).toEqual([{ toolCallId: "x", result: 1 }]);
    void open({ store, tools: look(() => ++runs) }).restore();
    await settled();
    await transport.latest.say(toolCall("x"));
    expect(runs).toBe(1);
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", result: 1 }]);
  });

  test("a result that the gateway has, and the page has not read yet, is not made again by a reload", async () => {
    let runs = 0;
    const store = memoryStore();
    const first = await withCall({ store, tools: look(() => ++runs) });
    await settled();
    first.dispose();
    expect(transport.toolResults).toHaveLength(1);
    transport.toolResultFailures.push(new ChatError("conflict", "This call already has a result."));
    const second = open({ store, tools: look(() => ++runs) });
    void second.restore();
    await settled();
    await transport.latest.say(toolCall("x"), { type: "tool_result", id: "x", name: "look", result: 1, ms: 1 });
    expect(runs).toBe(1);
    await transport.latest.token("a");
    second.flush();
    expect(store.read()?.active?.results).toEqual([]);
  });

  test("what was answered before the reload stays answered", async () => {
    let runs = 0;
    const heard: string[] = [];
    const store = memoryStore();
    const first = await withCall({ store, tools: look(() => ++runs) });
    await transport.latest.say({ type: "tool_result", id: "x", name: "look", result: 1, ms: 1 }, toolCall("s", { runsOn: "server" }));
    first.dispose();
    void open({ store, tools: look(() => ++runs), onToolCall: ({ id }) => heard.push(id) }).restore();
    await settled();
    await transport.latest.say(toolCall("x"), toolCall("s", { runsOn: "server" }));
    expect([runs, heard]).toEqual([1, []]);
  });

  test("a call inside a snapshot runs, unless it has its result already", async () => {
    const ran: string[] = [];
    const session = open({ tools: look((_, { toolCallId }) => ran.push(toolCallId)) });
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say({
      type: "snapshot",
      message: { messageId: "m", chunks: [toolCall("a"), { type: "tool_result", id: "a", name: "look", result: 1, ms: 1 }, toolCall("b")] },
    });
    expect(ran).toEqual(["b"]);
  });

  test("a result that comes after the stop is not sent", async () => {
    let finish: (value: unknown) => void = () => undefined;
    const session = await withCall({ tools: look(() => new Promise((resolve) => (finish = resolve))) });
    await session.stop();
    finish(1);
    await settled();
    expect(transport.toolResults).toEqual([]);
  });

  test("a result that could not be sent is sent again; one that is refused is told", async () => {
    const codes: string[] = [];
    transport.toolResultFailures.push(new ChatError("network", "x", { retryable: true }));
    const session = await withCall({ tools: look(() => 1) });
    session.onError(({ code }) => codes.push(code));
    await vi.waitFor(() => expect(transport.toolResults).toHaveLength(1), { timeout: 3000 });
    transport.toolResultFailures.push(new ChatError("forbidden", "x"));
    await transport.latest.say(toolCall("y", { index: 1 }));
    await settled();
    expect(codes).toEqual(["network"]);
  });

  test("a result that had arrived although its receipt was lost is no error", async () => {
    const codes: string[] = [];
    const store = memoryStore();
    transport.toolResultFailures.push(new ChatError("conflict", "This call already has a result."));
    const session = await withCall({ store, tools: look(() => 1) });
    session.onError(({ code }) => codes.push(code));
    await settled();
    expect(codes).toEqual([]);
  });
});

describe("approvals", () => {
  const waiting = (more: Partial<ToolCallChunk> = {}): ToolCallChunk => toolCall("x", { needsApproval: true, ...more });
  const look = (run: ClientTool["run"]): Record<string, ClientTool> => ({ look: { description: "", parameters: {}, run } });
  const part = (session: ChatSession): unknown => answer(session).parts[0];

  async function withPending(options: Options, call: ToolCallChunk): Promise<ChatSession> {
    const session = open(options);
    void session.send("Hi");
    await transport.latest.start();
    await transport.latest.say(call);
    return session;
  }

  test("an answer goes to the gateway; the card moves on when the gateway tells what was decided", async () => {
    const session = await withPending({}, waiting({ runsOn: "server" }));
    expect(session.getSnapshot().state).toBe("awaiting-approval");
    expect(await session.respondToApproval("x", { approved: true, arguments: { q: 2 } })).toBe(true);
    expect(transport.approvals).toEqual([{ streamId: "s1", toolCallId: "x", approved: true, arguments: { q: 2 } }]);
    expect(session.getSnapshot().state).toBe("awaiting-approval");
    await transport.latest.say({ type: "approval", id: "x", approved: true, arguments: { q: 2 } });
    expect(part(session)).toMatchObject({ state: "running", arguments: { q: 2 }, argumentsText: '{"q":2}' });
    await transport.latest.say({ type: "tool_result", id: "x", name: "look", result: 5, ms: 1 });
    expect(part(session)).toMatchObject({ state: "complete", result: 5 });
  });

  test("a declined call stays declined, with the words of its result", async () => {
    const session = await withPending({}, waiting({ runsOn: "server" }));
    await transport.latest.say(
      { type: "approval", id: "x", approved: false, reason: "no" },
      { type: "tool_result", id: "x", name: "look", error: "Declined by the user: no", ms: 0 },
    );
    expect(part(session)).toMatchObject({ state: "denied", error: "Declined by the user: no" });
  });

  test("a tool of this page runs when it is approved, once, and with the arguments that were approved", async () => {
    const seen: unknown[] = [];
    await withPending({ tools: look((args) => seen.push(args)) }, waiting());
    expect(seen).toEqual([]);
    await transport.latest.say({ type: "approval", id: "x", approved: true, arguments: { q: 9 } });
    await transport.latest.say({
      type: "snapshot",
      message: { messageId: "m", chunks: [waiting(), { type: "approval", id: "x", approved: true, arguments: { q: 9 } }] },
    });
    expect(seen).toEqual([{ q: 9 }]);
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "x", result: 1 }]);
  });

  test("an approval that is only in the snapshot of a resume runs the tool too", async () => {
    const seen: unknown[] = [];
    await withPending({ tools: look((args) => seen.push(args)) }, toolCall("other", { runsOn: "server", index: 1 }));
    const chunks: StreamChunk[] = [waiting(), { type: "approval", id: "x", approved: true }];
    await transport.latest.say({ type: "snapshot", message: { messageId: "m", chunks } });
    expect(seen).toEqual([{ q: 1 }]);
  });

  test("a pending approval survives a reload, and so does one that was given while the page was away", async () => {
    const seen: unknown[] = [];
    const store = memoryStore();
    const first = await withPending({ store, tools: look(() => 0) }, waiting());
    first.dispose();
    const second = open({ store, tools: look((args) => seen.push(args)) });
    void second.restore();
    await settled();
    expect(second.getSnapshot().state).toBe("awaiting-approval");
    expect(seen).toEqual([]);
    expect(await second.respondToApproval("x", { approved: true })).toBe(true);
    await transport.latest.say({ type: "approval", id: "x", approved: true });
    expect(seen).toEqual([{ q: 1 }]);
  });

  test("somebody else's decision is no error; arguments that do not fit are, and can be given again", async () => {
    const session = await withPending({}, waiting({ runsOn: "server" }));
    transport.approvalFailures.push(new ChatError("bad_request", "arguments do not fit the tool: q must be number."));
    await expect(session.respondToApproval("x", { approved: true, arguments: { q: "" } })).rejects.toMatchObject({ code: "bad_request" });
    transport.approvalFailures.push(new ChatError("conflict", "No approval is pending for the call x."));
    expect(await session.respondToApproval("x", { approved: true })).toBe(false);
    await session.stop();
    expect(await session.respondToApproval("x", { approved: true })).toBe(false);
    expect(transport.approvals).toEqual([]);
  });

  test("a tool of this page that needs approval says so in the request", async () => {
    const session = open({ tools: { look: { ...look(() => 1)["look"]!, needsApproval: true } } });
    void session.send("Hi");
    expect(transport.latest.request?.tools).toEqual([{ name: "look", description: "", parameters: {}, needsApproval: true }]);
  });
});

describe("dispose", () => {
  test("stops following, tells nobody, leaves no timers, and the run goes on", async () => {
    const store = memoryStore();
    const session = open({ store });
    let told = 0;
    session.subscribe(() => told++);
    const sending = session.send("Hi");
    await transport.latest.start();
    await transport.latest.token("a");
    session.dispose();
    const before = told;
    await transport.latest.token("late");
    await sending;
    expect(told).toBe(before);
    expect(transport.latest.options.signal?.aborted).toBe(true);
    expect(transport.cancelled).toEqual([]);
    expect(timers.pending()).toBe(0);
    expect(store.read()?.active).toMatchObject({ streamId: "s1", lastSeq: 2 });
  });

  test("a chunk that was on its way is not applied", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    transport.latest.queue.push({ type: "token", content: "late", seq: 2 });
    session.dispose();
    await settled();
    expect(texts(session)).toEqual(["Hi", ""]);
    expect(timers.pending()).toBe(0);
  });

  test("after a stop that no gateway has heard leaves no timers either", async () => {
    const session = open();
    void session.send("Hi");
    await transport.latest.start();
    transport.cancelFailures.push(...Array.from({ length: 5 }, () => new Error("x")));
    void session.stop();
    await settled();
    session.dispose();
    await settled();
    expect(timers.pending()).toBe(0);
  });

  test("after a stop before the first event lets go of that run too", async () => {
    const session = open();
    void session.send("Hi");
    void session.stop();
    session.dispose();
    expect(transport.latest.options.signal?.aborted).toBe(true);
  });
});

describe("web storage", () => {
  const area = (): Map<string, string> & {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  } => {
    const map = new Map<string, string>();
    return Object.assign(map, {
      getItem: (key: string) => map.get(key) ?? null,
      setItem: (key: string, value: string) => void map.set(key, value),
      removeItem: (key: string) => void map.delete(key),
    });
  };
  const conversation: StoredConversation = { v: 1, messages: [], active: null };

  test("keeps conversations apart, and forgets one", async () => {
    const storage = area();
    const store = createWebStorageStore(() => storage);
    store.save("a", conversation);
    store.save("b", { ...conversation, active: { requestId: "r", streamId: null, lastSeq: 0, messageId: "m" } });
    expect(await store.load("a")).toEqual(conversation);
    store.remove("a");
    expect(await store.load("a")).toBeNull();
    expect(await store.load("b")).toMatchObject({ active: { requestId: "r" } });
    expect([...storage.keys()]).toEqual(["chanl-chat:b"]);
  });

  test.each(["", "{", "null", "7", '{"v":2,"messages":[]}', '{"v":1}', "[]"])(
    "what is stored as %j is not a conversation",
    async (text) => {
      const storage = area();
      storage.set("chanl-chat:a", text);
      expect(await createWebStorageStore(() => storage).load("a")).toBeNull();
    },
  );

  test("a storage that is full, forbidden or missing forgets without a word", async () => {
    const forbidden = createWebStorageStore(() => {
      throw new Error("SecurityError");
    });
    forbidden.save("a", conversation);
    forbidden.remove("a");
    expect(await forbidden.load("a")).toBeNull();
  });
});

test("400 random histories keep the rules: one answer per question, ended answers stay ended", () => {
  const statuses = new Set<string>();
  const check = async (seed: number): Promise<void> => {
    const random = createRandom(seed);
    transport = createScriptedTransport();
    const session = open();
    const ended = new Map<string, string>();
    for (let step = 0; step < 30; step++) {
      const run = transport.runs.length > 0 ? random.pick(transport.runs) : undefined;
      const action = random.below(9);
      if (action === 0) void session.send(`q${step}`);
      else if (action === 1) void session.stop();
      else if (action === 2) void session.retry();
      else if (action === 3) void session.continue();
      else if (action === 4) await run?.start();
      else if (action === 5) await run?.end();
      else if (action === 6) await run?.lose();
      else await run?.token("x");
      await Promise.resolve();
      const { messages, isStreaming } = session.getSnapshot();
      messages.forEach((message, at) => {
        statuses.add(message.status);
        if (message.role === "assistant") expect(messages[at - 1]?.role).toBe("user");
        if (message.status === "complete" || message.status === "stopped") {
          const text = JSON.stringify(message);
          if (message.role === "assistant") expect(ended.get(message.id) ?? text, "an ended answer changed").toBe(text);
          ended.set(message.id, text);
        }
      });
      const open_ = messages.filter(({ status }) => status === "pending" || status === "streaming");
      expect(open_).toHaveLength(isStreaming ? 1 : 0);
    }
    session.dispose();
  };
  return (async () => {
    const first = Number(process.env["CHANL_SEED"] ?? Math.floor(Math.random() * 1e9));
    const count = process.env["CHANL_SEED"] === undefined ? 400 : 1;
    for (let seed = first; seed < first + count; seed++) {
      await check(seed).catch((error: unknown) => {
        throw new Error(`Failed with seed ${seed}. Replay: CHANL_SEED=${seed}\n${String(error)}`, { cause: error });
      });
    }
    expect([...statuses].toSorted()).toEqual(["complete", "interrupted", "pending", "stopped", "streaming"]);
  })();
}, 60_000);
