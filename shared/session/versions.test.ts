/** Versions of an answer: asked anew, edited, gone back to. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createRandom } from "../testing/random.ts";
import { createScriptedTransport, type ScriptedTransport } from "../testing/scripted-transport.ts";
import { ChatSession, type ChatSessionOptions } from "./chat-session.ts";
import type { StoredConversation } from "./conversation-store.ts";
import { messageText, type ContextPart } from "./message.ts";
import { editMessage, rate, regenerate, selectVersion } from "./versions.ts";

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
    await say(editMessage(session, idOf(session, 0), "Uno?"), "1a");
    expect(texts(session)).toEqual(["Uno?", "1a"]);
    expect(transport.latest.request?.messages).toEqual([{ role: "user", content: "Uno?" }]);
    const { forks, messages } = session.getSnapshot();
    expect(forks[messages[0]!.forkId!]).toMatchObject({ current: 1, versions: { length: 2 } });
    selectVersion(session, idOf(session, 0), 0);
    expect(texts(session)).toEqual(["One?", "1", "Two?", "2"]);
    selectVersion(session, idOf(session, 0), 1);
    expect(texts(session)).toEqual(["Uno?", "1a"]);
  });

  test("another answer to the same question keeps the first", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    await say(regenerate(session), "1b");
    await say(regenerate(session), "1c");
    expect(texts(session)).toEqual(["One?", "1c"]);
    selectVersion(session, idOf(session, 1), 0);
    expect(texts(session)).toEqual(["One?", "1"]);
    await say(session.send("And?"), "2");
    selectVersion(session, idOf(session, 1), 2);
    selectVersion(session, idOf(session, 1), 0);
    expect(texts(session)).toEqual(["One?", "1", "And?", "2"]);
  });

  test("an answer of the past is asked for anew, and what followed from the old one is kept", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    await say(session.send("Two?"), "2");
    await say(regenerate(session, idOf(session, 1)), "1b");
    expect(texts(session)).toEqual(["One?", "1b"]);
    selectVersion(session, idOf(session, 1), 0);
    expect(texts(session)).toEqual(["One?", "1", "Two?", "2"]);
    expect(await regenerate(session, idOf(session, 0))).toBeNull();
    expect(await regenerate(session, "nobody")).toBeNull();
  });

  test("what went along with a question goes along with its edit, unless parts take its place", async () => {
    const page: ContextPart = { type: "context", id: "p", kind: "page", title: "Boats", url: "https://a.example/", text: "Words" };
    const session = open();
    await say(session.send("One?", [page]), "1");
    const along = (): string[] =>
      session.getSnapshot().messages[0]!.parts.map((part) => (part.type === "context" ? part.title : part.type));
    await say(editMessage(session, idOf(session, 0), "Uno?"), "1a");
    expect(along()).toEqual(["Boats", "text"]);
    await say(
      editMessage(session, idOf(session, 0), [
        { ...page, title: "Tides" },
        { type: "text", text: "Eins?" },
      ]),
      "1b",
    );
    expect([along(), texts(session)[0]]).toEqual([["Tides", "text"], "Eins?"]);
    await say(editMessage(session, idOf(session, 0), [{ type: "text", text: "Un?" }]), "1c");
    expect(along()).toEqual(["text"]);
    expect(await editMessage(session, idOf(session, 0), [{ type: "text", text: " " }])).toBeNull();
  });

  test("nothing is edited, selected or asked again while an answer runs, and nothing empty is asked", async () => {
    const session = open();
    await say(session.send("One?"), "1");
    const id = idOf(session, 0);
    expect(await editMessage(session, id, "  ")).toBeNull();
    expect(await editMessage(session, "nobody", "x")).toBeNull();
    void session.send("Two?");
    expect(await editMessage(session, id, "x")).toBeNull();
    expect(await regenerate(session)).toBeNull();
    selectVersion(session, id, 0);
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
    await say(editMessage(session, idOf(session, 0), "Uno?"), "1a");
    expect(rate(session, idOf(session, 1), "good")).toBe("good");
    const again = open({ store });
    await again.restore();
    expect(again.getSnapshot().messages[1]!.rating).toBe("good");
    expect(rate(again, idOf(again, 1), "good")).toBeNull();
    selectVersion(again, idOf(again, 0), 0);
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
        selectVersion(session, message.id, index);
        const now = texts(session);
        expect(now.slice(0, at), `CHANL_SEED=${seed}`).toEqual(before);
        expect(now.slice(at), `CHANL_SEED=${seed}`).toEqual(known.get(`${at}:${now[at]}`));
      } else if (messages.length > 8 || random.chance(0.02)) {
        count += 1;
        if (message.role === "user") await say(editMessage(session, message.id, `q${count}`), `a${count}`);
        else if (at === messages.length - 1) await say(regenerate(session), `a${count}`);
      } else {
        count += 1;
        if (step % 10 === 0) await say(session.send(`q${count}`), `a${count}`);
      }
    }
    expect(count).toBeGreaterThan(50);
  });
});
