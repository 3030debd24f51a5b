/** Every state the widget can be in, as scripts of chunks. The gallery plays them into the real element. */
import type { StreamChunk } from "../shared/protocol/chunk.ts";
import type { ChatMessage } from "../shared/session/message.ts";
import { editMessage, regenerate } from "../shared/session/versions.ts";
import type { ChatSession } from "../shared/session/chat-session.ts";
import type { ChanlChat } from "../widget/index.ts";
import type { ScriptStep } from "../widget/testing/scripted-transport.ts";

export interface GalleryState {
  title: string;
  /** What the visitor asked; nothing for an empty conversation. */
  ask?: string;
  script: () => AsyncGenerator<ScriptStep> | Generator<ScriptStep>;
  /** What was said before. */
  history?: readonly ChatMessage[];
  /** What is done while it streams. */
  afterStart?: (chat: ChanlChat) => void;
  /** What is done once the answer has ended. */
  afterEnd?: (chat: ChanlChat, session: ChatSession) => unknown;
  /** Stop the answer once the script has played. */
  stop?: boolean;
}

const start: StreamChunk = { type: "start", streamId: "gallery", messageId: "gallery", agentId: "docs", model: "gallery", v: 1 };
const done: StreamChunk = {
  type: "done",
  reason: "stop",
  metrics: { ttft: 312, totalMs: 4_290, tokenCount: 412, tokensPerSecond: 96, decodeTokensPerSecond: 104 },
};

const ANSWER = `Your order **#48213** left the Utrecht warehouse this morning. You can still change the address until the carrier scans it, which usually happens around **17:00**.

| Item | Status | Arrives |
|---|---|---:|
| Fell rain shell, M | On its way | Thu 3 Oct |
| Merino crew, 2 pairs | Packed | Fri 4 Oct |

To update the address from your own system, call the orders endpoint:

\`\`\`ts
await shop.orders.update("48213", {
  address: { city: "Ghent", postcode: "9000" },
  notify: true, // emails the customer
});
\`\`\`

- Changes after the scan go through the carrier and cost **€ 4.50**.
- Returns stay free for 60 days.
`;

const THOUGHT =
  "The order number is 48213. It left the warehouse this morning, so the address can only change before the carrier scans it. A shell has no insulation, so I should say so, then check the stock for size M and suggest a mid layer.";

const words = (text: string): string[] => text.match(/\s*\S+/g) ?? [];
const say = (text: string): StreamChunk[] => words(text).map((content) => ({ type: "token", content }));
const think = (text: string): StreamChunk[] => words(text).map((content) => ({ type: "reasoning", content }));

function writeCall(id: string, name: string, args: string, index = 0): StreamChunk[] {
  const fragments = args.match(/.{1,6}/gs) ?? [];
  return fragments.map((text, at) => ({ type: "tool_call_delta", index, arguments: text, ...(at === 0 ? { id, name } : {}) }));
}

const call = (id: string, name: string, args: Record<string, unknown>, more: { needsApproval?: true } = {}): StreamChunk => ({
  type: "tool_call",
  index: 0,
  id,
  name,
  arguments: JSON.parse(JSON.stringify(args)),
  runsOn: "server",
  ...more,
});

async function* paced(chunks: readonly StreamChunk[], ms = 24): AsyncGenerator<ScriptStep> {
  for (const chunk of chunks) {
    yield chunk;
    yield { wait: ms };
  }
}

const ORDER = { order_id: 48213 };
const source = (id: string, title: string, url?: string): StreamChunk => ({ type: "source", id, title, ...(url ? { url } : {}) });

function pastTalk(count: number): ChatMessage[] {
  return Array.from({ length: count }, (_, at): ChatMessage => ({
    id: `past-${at}`,
    role: at % 2 === 0 ? "user" : "assistant",
    parts: [{ type: "text", text: at % 2 === 0 ? `Question ${at / 2 + 1}: where is my order?` : ANSWER }],
    status: "complete",
    createdAt: Date.UTC(2025, 9, 1 + Math.floor(at / 8), 9, at % 60),
  }));
}

/** A text, and a file that no model could read. */
function pasteFiles(chat: ChanlChat): void {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(["size,chest\nM,98\n"], "size-chart.csv", { type: "text/csv" }));
  clipboardData.items.add(new File([new Uint8Array([0, 255])], "old-order.doc"));
  chat.shadowRoot?.querySelector('[part~="input"]')?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}

/** Parts of the widget come when they come. */
function clickWhenThere(chat: ChanlChat, selector: string): void {
  const asked = setInterval(() => {
    const button = chat.shadowRoot?.querySelector<HTMLElement>(selector);
    if (button) clearInterval(asked);
    button?.click();
  }, 100);
}

/** A browser whose microphone is not allowed. */
class Refusing extends EventTarget {
  start(): void {
    queueMicrotask(() => {
      this.dispatchEvent(Object.assign(new Event("error"), { error: "not-allowed" }));
      this.dispatchEvent(new Event("end"));
    });
  }

  abort(): void {}
}

export const STATES: Record<string, GalleryState> = {
  empty: { title: "Empty", *script() {} },
  pending: {
    title: "Waiting for the first token",
    ask: "Where is my order #48213?",
    *script() {
      yield start;
    },
  },
  reasoning: {
    title: "Thinking",
    ask: "Is the Fell shell warm enough for Norway in March?",
    async *script() {
      yield start;
      yield* paced(think(THOUGHT), 40);
    },
  },
  streaming: {
    title: "Streaming",
    ask: "Where is my order #48213? I moved last week and need it sent to Ghent instead.",
    async *script() {
      yield start;
      yield* paced(say(ANSWER), 60);
    },
  },
  "tool-writing": {
    title: "A tool’s input is being written",
    ask: "Do you have the Fell shell in size M?",
    async *script() {
      yield start;
      yield* say("Let me look at the stock.");
      yield* paced(writeCall("c1", "check_stock", '{"sku":"FELL-SHELL-M","stores":["Ghent","Utrecht","Antw'), 60);
    },
  },
  "tool-running": {
    title: "A tool is running",
    ask: "Do you have the Fell shell in size M?",
    *script() {
      yield start;
      yield* say("Let me look at the stock.");
      yield call("c0", "search_products", { query: "fell shell" });
      yield { type: "tool_result", id: "c0", name: "search_products", result: [{ sku: "FELL-SHELL-M" }], ms: 312 };
      yield call("c1", "check_stock", { sku: "FELL-SHELL-M", stores: ["Ghent", "Utrecht"] });
    },
  },
  tools: {
    title: "How tool calls end",
    ask: "Look up order 48213 and refund it.",
    *script() {
      yield start;
      yield call("t1", "look_up_order", ORDER);
      yield { type: "tool_result", id: "t1", name: "look_up_order", result: { status: "shipped", eta: "2025-10-03" }, ms: 402 };
      yield call("t2", "look_up_order", { order_id: 48214 });
      yield { type: "tool_result", id: "t2", name: "look_up_order", error: "The order service did not answer within 10 s.", ms: 10_004 };
      yield call("t3", "refund_order", { order_id: 48213, amount: 89, currency: "EUR" }, { needsApproval: true });
    },
  },
  "tools-ended": {
    title: "Tool calls that were not allowed, were cancelled, or got no answer",
    ask: "Refund order 48213, and then cancel it.",
    *script() {
      yield start;
      yield call("t1", "refund_order", { order_id: 48213 }, { needsApproval: true });
      yield call("t2", "cancel_order", ORDER);
      yield done;
    },
  },
  folded: {
    title: "Several calls in a row",
    ask: "Compare the three shells.",
    *script() {
      yield start;
      for (const [at, name] of ["Fell", "Ridge", "Tarn", "Beck"].entries()) {
        yield call(`f${at}`, "look_up_product", { name });
        yield { type: "tool_result", id: `f${at}`, name: "look_up_product", result: { weight: 310 + at * 40 }, ms: 400 + at * 150 };
      }
      yield* say("The **Fell** is the lightest of the four, at 310 g.");
      yield done;
    },
  },
  versions: {
    title: "Versions of an answer",
    ask: "Which jacket is lighter?",
    *script() {
      yield start;
      yield* say("The **Fell** is lighter: 310 g against 420 g.");
      yield done;
    },
    afterEnd: async (_chat, session) => {
      const question = session.getSnapshot().messages[0];
      if (question && !question.forkId) {
        await editMessage(session, question.id, "Which jacket is lighter, the Fell or the Ridge?");
        await regenerate(session);
      }
    },
  },
  editing: {
    title: "A message is being edited",
    ask: "Which jacket is lighter?",
    *script() {
      yield start;
      yield* say("The **Fell** is lighter.");
      yield done;
    },
    afterEnd: (chat) => clickWhenThere(chat, ".said .ib"),
  },
  attachments: {
    title: "Files go along with a question",
    *script() {},
    afterStart: (chat) => {
      chat.attachments = true;
      chat.setDraft("Which jacket is lighter, the Fell or the Ridge? I hike with a 28 l pack and hate getting sweaty on the climbs.");
      setTimeout(() => pasteFiles(chat), 300);
    },
  },
  dictation: {
    title: "Dictation is not allowed",
    *script() {},
    afterStart: (chat) => {
      Object.assign(globalThis, { SpeechRecognition: Refusing });
      chat.speechInput = true;
      chat.setDraft("Where is my order");
      clickWhenThere(chat, '[part~="speech-button"]');
    },
  },
  queued: {
    title: "A message waits for the end of an answer",
    ask: "Where is my order?",
    async *script() {
      yield start;
      yield* paced(say(ANSWER), 200);
    },
    afterStart: (chat) => void chat.send("And can I return it?"),
  },
  old: {
    title: "A conversation of another day",
    history: pastTalk(6),
    *script() {},
  },
  complete: {
    title: "Complete",
    ask: "Where is my order #48213? I moved last week and need it sent to Ghent instead.",
    *script() {
      yield start;
      yield* think(THOUGHT);
      yield call("c1", "look_up_order", ORDER);
      yield { type: "tool_result", id: "c1", name: "look_up_order", result: { status: "shipped", eta: "2025-10-03" }, ms: 402 };
      yield* say(ANSWER);
      yield source("s1", "Returns policy", "/docs/returns");
      yield source("s2", "Carrier handover times", "https://carrier.example/handover");
      yield done;
    },
  },
  stopped: {
    title: "Stopped",
    ask: "Compare the Fell and the Ridge jackets for me.",
    stop: true,
    *script() {
      yield start;
      yield* say("Both are three-layer shells. The **Fell** is lighter at 310 g and packs into its own pocket; the **Ridge** is");
    },
  },
  error: {
    title: "Failed",
    ask: "Compare the Fell and the Ridge jackets for me.",
    *script() {
      yield start;
      yield { type: "error", code: "provider_unavailable", message: "The model is not reachable.", retryable: true };
    },
  },
  "rate-limited": {
    title: "Asked too often",
    ask: "And the Tarn fleece?",
    *script() {
      yield start;
      yield { type: "error", code: "rate_limited", message: "Too many requests.", retryable: true, retryAfterMs: 18_000 };
    },
  },
  interrupted: {
    title: "Cut, and not picked up",
    ask: "Compare the Fell and the Ridge jackets for me.",
    *script() {
      yield start;
      yield* say("Both are three-layer shells. The **Fell** is lighter at 310 g and packs into its own pocket; the **Ridge** is");
      yield { type: "error", code: "truncated", message: "The connection dropped.", retryable: true };
    },
  },
  long: {
    title: "A long conversation goes on",
    history: pastTalk(400),
    ask: "Tell me everything.",
    async *script() {
      yield start;
      yield* paced(say(`${ANSWER}\n\n`.repeat(10)), 12);
      yield done;
    },
  },
  reconnecting: {
    title: "Reconnecting",
    ask: "Compare the Fell and the Ridge jackets for me.",
    async *script() {
      yield start;
      yield* say("Both are three-layer shells. The **Fell** is lighter at 310 g and packs into its own");
      yield { wait: 50 };
      yield { reconnecting: { attempt: 2, maxAttempts: 5 } };
    },
  },
};
