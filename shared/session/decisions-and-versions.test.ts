/** What a person does with an answer other than reading it: allows its calls, asks anew, goes back to another version. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { ChatError } from "../errors.ts";
import type { ToolCallChunk } from "../protocol/chunk.ts";
import { createRandom } from "../testing/random.ts";
import { createScriptedTransport, settled, type ScriptedTransport } from "../testing/scripted-transport.ts";
import { ChatSession, type ChatSessionOptions } from "./chat-session.ts";
import type { StoredConversation } from "./conversation-store.ts";
import { messageText, type ToolCallPart } from "./message.ts";

let transport: ScriptedTransport;
const sessions: ChatSession[] = [];
beforeEach(() => {
  transport = createScriptedTransport();
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.dispose();
});

function open(options: Partial<ChatSessionOptions> = {}): ChatSession {
  const session = new ChatSession({ transport, agentId: "agent", conversationId: "c", ...options });
  sessions.push(session);
  return session;
}

const texts = (session: ChatSession): string[] => session.getSnapshot().messages.map(messageText);

describe("a call that needs approval", () => {
  const refund = (more: Partial<ToolCallChunk> = {}): ToolCallChunk => ({
    type: "tool_call",
    index: 0,
    id: "t",
    name: "refund",
    arguments: { amount: 89 },
    runsOn: "server",
    needsApproval: true,
    ...more,
  });
  const call = (session: ChatSession): ToolCallPart =>
    session
      .getSnapshot()
      .messages.at(-1)!
      .parts.find((part) => part.type === "tool_call")!;

  async function waiting(options: Partial<ChatSessionOptions> = {}, chunk = refund()): Promise<ChatSession> {
    const session = open(options);
    void session.send("Refund it");
    await transport.latest.start();
    await transport.latest.say(chunk);
    expect(session.getSnapshot().state).toBe("awaiting-approval");
    return session;
  }

  test("runs when it is allowed, and shows it before the gateway has answered", async () => {
    const session = await waiting();
    const heard = session.decide("t", { approved: true });
    expect(call(session).state).toBe("running");
    expect(await heard).toBe(true);
    expect(transport.approvals).toEqual([{ streamId: "s1", toolCallId: "t", approved: true }]);
    await transport.latest.say({ type: "tool_result", id: "t", name: "refund", result: "done", ms: 5 });
    expect(call(session)).toMatchObject({ state: "complete", result: "done" });
  });

  test("runs with the arguments a person changed", async () => {
    const session = await waiting();
    await session.decide("t", { approved: true, arguments: { amount: 20 } });
    expect(transport.approvals).toEqual([{ streamId: "s1", toolCallId: "t", approved: true, arguments: { amount: 20 } }]);
    expect(call(session)).toMatchObject({ arguments: { amount: 20 }, argumentsText: '{"amount":20}' });
  });

  test("stays not allowed, whatever error tells the model so", async () => {
    const session = await waiting();
    await session.decide("t", { approved: false, reason: "too much" });
    expect(transport.approvals).toEqual([{ streamId: "s1", toolCallId: "t", approved: false, reason: "too much" }]);
    await transport.latest.say({ type: "tool_result", id: "t", name: "refund", error: "The person did not allow it.", ms: 0 });
    expect(call(session).state).toBe("denied");
    expect(call(session).error).toBeUndefined();
  });

  test("waits again when the gateway could not be told, and says so", async () => {
    const session = await waiting();
    const errors: string[] = [];
    session.onError(({ code }) => errors.push(code));
    transport.approvalFailures.push(new ChatError("network", "down", { retryable: true }));
    expect(await session.decide("t", { approved: true })).toBe(false);
    expect(call(session).state).toBe("needs-approval");
    expect(errors).toEqual(["network"]);
    expect(await session.decide("t", { approved: true })).toBe(true);
  });

  test("is decided once, and not at all once it was cancelled", async () => {
    const session = await waiting();
    await session.decide("t", { approved: true });
    expect(await session.decide("t", { approved: false })).toBe(false);
    expect(await session.decide("nobody", { approved: true })).toBe(false);
    await session.stop();
    expect(await session.decide("t", { approved: true })).toBe(false);
    expect(transport.approvals).toHaveLength(1);
  });

  test("that runs here runs here, once, after it was allowed", async () => {
    const ran: unknown[] = [];
    const tools = { refund: { description: "", parameters: {}, run: (args: unknown) => void ran.push(args) } };
    const session = await waiting({ tools }, refund({ runsOn: "client" }));
    expect(ran).toEqual([]);
    await session.decide("t", { approved: true, arguments: { amount: 1 } });
    await settled();
    expect(ran).toEqual([{ amount: 1 }]);
    expect(transport.toolResults).toEqual([{ streamId: "s1", toolCallId: "t", result: null }]);
  });
});

describe("versions", () => {
  async function say(asked: Promise<unknown>, text: string): Promise<void> {
    await transport.latest.start();
    await transport.latest.token(text);
    await transport.latest.end();
    await asked;
  }

  const idOf = (session: ChatSession, at: number): string => session.getSnapshot().messages[at]!.id;

  test("an edited question keeps what followed from the old one, and one goes back and forth", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    await say(session.send("Two?"), "2");
    await say(session.edit(idOf(session, 0), "Uno?"), "1a");
    expect(texts(session)).toEqual(["Uno?", "1a"]);
    expect(transport.latest.request?.messages).toEqual([{ role: "user", content: "Uno?" }]);
    const { forks, messages } = session.getSnapshot();
    expect(forks[messages[0]!.forkId!]).toMatchObject({ current: 1, versions: { length: 2 } });
    session.selectVersion(idOf(session, 0), 0);
    expect(texts(session)).toEqual(["One?", "1", "Two?", "2"]);
    session.selectVersion(idOf(session, 0), 1);
    expect(texts(session)).toEqual(["Uno?", "1a"]);
  });

  test("another answer to the same question keeps the first", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    await say(session.regenerate(), "1b");
    await say(session.regenerate(), "1c");
    expect(texts(session)).toEqual(["One?", "1c"]);
    session.selectVersion(idOf(session, 1), 0);
    expect(texts(session)).toEqual(["One?", "1"]);
    await say(session.send("And?"), "2");
    session.selectVersion(idOf(session, 1), 2);
    session.selectVersion(idOf(session, 1), 0);
    expect(texts(session)).toEqual(["One?", "1", "And?", "2"]);
  });

  test("nothing is edited, selected or asked again while an answer runs, and nothing empty is asked", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    const id = idOf(session, 0);
    expect(await session.edit(id, "  ")).toBeNull();
    expect(await session.edit("nobody", "x")).toBeNull();
    void session.send("Two?");
    expect(await session.edit(id, "x")).toBeNull();
    expect(await session.regenerate()).toBeNull();
    session.selectVersion(id, 0);
    expect(texts(session)).toEqual(["One?", "1", "Two?", ""]);
  });

  test("survive a reload, and so do ratings", async () => {
    let stored: StoredConversation | null = null;
    const store = {
      load: () => Promise.resolve(JSON.parse(JSON.stringify(stored)) as StoredConversation | null),
      save: (_id: string, conversation: StoredConversation) => void (stored = conversation),
      remove: () => undefined,
    };
    const session = open({ store });
    await say(session.send("One?"), "1");
    await say(session.edit(idOf(session, 0), "Uno?"), "1a");
    expect(session.rate(idOf(session, 1), "good")).toBe("good");
    const again = open({ store });
    await again.restore();
    expect(again.getSnapshot().messages[1]!.rating).toBe("good");
    expect(again.rate(idOf(again, 1), "good")).toBeNull();
    again.selectVersion(idOf(again, 0), 0);
    expect(texts(again)).toEqual(["One?", "1"]);
  });

  test("2,000 random edits and returns never lose or mix a version", async () => {
    const seed = Number(process.env["CHANL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const random = createRandom(seed);
    const session = open();
    /** What each version said when it was last left, by the text of its first message. */
    const known = new Map<string, string[]>();
    let count = 0;
    const pick = (length: number): number => random.below(length);
    const remember = (): void => texts(session).forEach((text, at) => known.set(`${at}:${text}`, texts(session).slice(at)));
    await say(session.send("q0"), "a0");
    for (let step = 0; step < 2_000; step += 1) {
      remember();
      const { messages, forks } = session.getSnapshot();
      const at = pick(messages.length);
      const message = messages[at]!;
      const found = message.forkId === undefined ? undefined : forks[message.forkId];
      const before = texts(session).slice(0, at);
      if (found && random.chance(0.7)) {
        const index = pick(found.versions.length);
        session.selectVersion(message.id, index);
        const now = texts(session);
        expect(now.slice(0, at), `CHANL_SEED=${seed}`).toEqual(before);
        expect(now.slice(at), `CHANL_SEED=${seed}`).toEqual(known.get(`${at}:${now[at]}`));
      } else if (messages.length > 8 || random.chance(0.02)) {
        count += 1;
        if (message.role === "user") await say(session.edit(message.id, `q${count}`), `a${count}`);
        else if (at === messages.length - 1) await say(session.regenerate(), `a${count}`);
      } else {
        count += 1;
        if (step % 10 === 0) await say(session.send(`q${count}`), `a${count}`);
      }
    }
    expect(count).toBeGreaterThan(50);
  });
});
