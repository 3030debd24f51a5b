/** Whatever is sent, by clients or by providers: an answer in our words, no crash, nothing left behind. `CHANL_SEED` replays a run. */
import { beforeAll, afterAll, expect, test } from "vitest";

import { anthropicDialect } from "../shared/dialects/anthropic.ts";
import type { Dialect } from "../shared/dialects/dialect.ts";
import { geminiDialect } from "../shared/dialects/gemini.ts";
import { openaiChatDialect } from "../shared/dialects/openai-chat.ts";
import { openaiResponsesDialect } from "../shared/dialects/openai-responses.ts";
import { readChunks } from "../shared/dialects/read-chunks.ts";
import { isTerminal } from "../shared/protocol/chunk.ts";
import type { ApprovalRequest, ToolResultRequest } from "../shared/protocol/request.ts";
import { PendingCalls } from "./agent/pending-calls.ts";
import { toolLoop } from "./agent/tool-loop.ts";
import type { Tool } from "./agent/tool.ts";
import { GatewayError } from "./errors.ts";
import type { Provider } from "./providers/provider.ts";
import {
  parseAgentChanges,
  parseApproval,
  parseChatRequest,
  parseNewAgent,
  parseSessionRequest,
  parseSocketRequest,
  parseToolResult,
} from "./routes/request-schema.ts";
import { callsTurn, dialectOf, textTurn, type ProviderDialect } from "./testing/dialect-replies.ts";
import { openAiText, startReplayProvider } from "./testing/replay-provider.ts";
import { newSeed, seededRandom } from "./testing/seeded-random.ts";
import { postChat, readAll, userSays } from "./testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "./testing/test-gateway.ts";

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);
beforeAll(() => void process.on("unhandledRejection", onRejection));
afterAll(() => {
  process.off("unhandledRejection", onRejection);
  expect(rejections).toEqual([]);
});

type Random = ReturnType<typeof seededRandom>;

const KEYS =
  "agentId messages role content toolCalls toolCallId arguments requestId tools name description parameters type streamId lastSeq approved result error user origin budget expiresIn id instructions model mcpServers needsApproval limits when images data mediaType url __proto__ constructor".split(
    " ",
  );
const TEXTS = [
  "",
  "docs",
  "user",
  "assistant",
  "tool",
  "chat",
  "resume",
  "approval",
  "a".repeat(300),
  "\u0000",
  "\ud800",
  "https://a.example.com",
  "🧨",
  "-1",
  "__proto__",
];

function randomValue(random: Random, depth: number): unknown {
  switch (random.below(depth > 5 ? 6 : 8)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick([0, -1, 1, 1.5, 1e308, Number.MAX_SAFE_INTEGER + 2, 600]);
    case 2:
      return random.pick([true, false]);
    case 3:
      return null;
    case 4:
      return random.pick(KEYS);
    case 5:
      return [];
    case 6:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth + 1));
    default:
      return randomObject(random, depth + 1);
  }
}

/** As `JSON.parse` makes it: a key named `__proto__` is an own one. */
function randomObject(random: Random, depth: number): object {
  const entries = Array.from(
    { length: random.below(7) },
    () => `${JSON.stringify(random.pick(KEYS))}:${JSON.stringify(randomValue(random, depth)) ?? "null"}`,
  );
  return JSON.parse(`{${entries.join(",")}}`) as object;
}

/** A good request with something in it replaced: gets further than noise does. */
function nearlyGood(random: Random): object {
  const good: Record<string, unknown> = {
    type: random.pick(["chat", "resume", "cancel", "tool_result", "approval", "ping"]),
    agentId: "docs",
    messages: [{ role: "user", content: "hi" }],
    streamId: "s",
    lastSeq: 1,
    toolCallId: "c",
    approved: true,
    name: "n",
    user: "u",
  };
  good[random.pick(Object.keys(good))] = randomValue(random, 2);
  if (random.below(2) === 0) good[random.pick(KEYS.slice(0, -2))] = randomValue(random, 2);
  return good;
}

const PARSERS = [
  parseChatRequest,
  parseSocketRequest,
  parseApproval,
  parseToolResult,
  parseNewAgent,
  parseAgentChanges,
  parseSessionRequest,
];

test("100,000 random bodies are taken, or refused in a sentence", { timeout: 120_000 }, () => {
  const seed = newSeed();
  const random = seededRandom(seed);
  let taken = 0;
  for (let at = 0; at < 100_000; at++) {
    const body = random.below(3) === 0 ? nearlyGood(random) : random.below(20) === 0 ? randomValue(random, 0) : randomObject(random, 0);
    try {
      PARSERS[at % PARSERS.length]!(body);
      taken++;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "bad_request" || error.message.length > 2000)
        throw new Error(`CHANL_SEED=${seed}, body ${at}: ${JSON.stringify(body)}`, { cause: error });
    }
  }
  expect(taken).toBeGreaterThan(1000);
  expect(taken).toBeLessThan(90_000);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

/** `FUZZ=100000` sends as many over the network; what is usual fits into `npm test`. */
const OVER_NETWORK = Number(process.env["FUZZ"] ?? 1600);
const STREAMS_OVER_NETWORK = Math.min(OVER_NETWORK / 4, 10_000);
const AT_ONCE = 8;

/** What keeps a process alive, by kind. */
function activeResources(): Record<string, number> {
  const counts: Record<string, number> = { Timeout: 0, TCPSocketWrap: 0, TCPServerWrap: 0 };
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind]!++;
  return counts;
}

test(`${OVER_NETWORK} of them over HTTP: never a 5xx, and nothing is left of them`, { timeout: 600_000 }, async () => {
  const seed = newSeed();
  const random = seededRandom(seed);
  const before = activeResources();
  const { gateway, provider } = await startWithProvider({
    adminKey: "the-admin-key-of-the-test",
    siteSecret: "the-secret-of-the-test-site",
    allowAnonymous: true,
  });
  provider.reply({ slices: openAiText(["ok"]) });
  const paths = [
    "/api/chat/stream",
    "/api/agents",
    "/api/sessions",
    "/api/chat/stream/x/approvals",
    "/api/chat/stream/x/tool-results",
    "/api/agents/docs",
  ];
  const send = async (at: number): Promise<void> => {
    const path = random.pick(paths);
    let body = JSON.stringify(random.below(2) === 0 ? nearlyGood(random) : randomObject(random, 0));
    if (random.below(10) === 0) body = body.slice(0, random.below(body.length));
    const key = path === "/api/sessions" ? "the-secret-of-the-test-site" : "the-admin-key-of-the-test";
    const response = await fetch(gateway.url + path, {
      method: path.endsWith("/docs") ? "PATCH" : "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        ...(path.includes("/chat/") ? {} : { Authorization: `Bearer ${key}` }),
      },
      body,
    });
    const text = await response.text();
    if (response.status >= 500) throw new Error(`CHANL_SEED=${seed}, request ${at}: ${response.status} ${path} ${body} ${text}`);
  };
  for (let at = 0; at < OVER_NETWORK; at += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, beside) => send(at + beside)));
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  await expect.poll(() => gateway.gateway.runs.running, { timeout: 5000 }).toBe(0);
  await gateway.close();
  await provider.close();
  await expect.poll(activeResources, { timeout: 5000 }).toEqual(before);
});

const DIALECTS: Record<ProviderDialect, Dialect> = {
  openai: openaiChatDialect,
  "openai-responses": openaiResponsesDialect,
  anthropic: anthropicDialect,
  gemini: geminiDialect,
  compatible: openaiChatDialect,
};

/** Bytes of a good stream with some of them changed, dropped, doubled or moved. */
function mutated(random: Random, bytes: Uint8Array): Uint8Array[] {
  const copy = [...bytes];
  for (let edits = 1 + random.below(6); edits > 0; edits--) {
    const at = random.below(copy.length);
    const length = 1 + random.below(30);
    switch (random.below(5)) {
      case 0:
        copy[at] = random.below(256);
        break;
      case 1:
        copy.splice(at, length);
        break;
      case 2:
        copy.splice(at, 0, ...copy.slice(at, at + length));
        break;
      case 3:
        copy.splice(
          at,
          0,
          ...new TextEncoder().encode(random.pick(["\n\n", "null", "{}", "[", '"', "\\", "1e999", "data: ", '{"__proto__":1}'])),
        );
        break;
      default:
        copy.length = at + 1;
    }
    if (copy.length === 0) copy.push(10);
  }
  const whole = Uint8Array.from(copy);
  const middle = random.below(whole.length);
  return [whole.subarray(0, middle), whole.subarray(middle)];
}

const NAMES = Object.keys(DIALECTS) as ProviderDialect[];
/** A turn of calls and one of text, as each provider streams it. */
const GOOD = Object.fromEntries(
  NAMES.map((name) => {
    const call = callsTurn(name, [
      { id: "c1", name: "t", arguments: { n: 1 } },
      { id: "c2", name: "t", arguments: { n: 22222222 } },
    ]).join("");
    return [name, [call, textTurn(name, ["Wörter ", "日本 ", "👩‍🚀"]).join("")].map((text) => new TextEncoder().encode(text))];
  }),
) as Record<ProviderDialect, Uint8Array[]>;

test("10,000 mutated provider streams: one end each, no call that was not whole has run, nothing waits", { timeout: 120_000 }, async () => {
  const seed = newSeed();
  const random = seededRandom(seed);
  const tool: Tool = {
    name: "t",
    description: "",
    parameters: { type: "object", properties: { n: { type: "number" } }, required: ["n"], additionalProperties: false },
    run: (input) => {
      const { n, ...rest } = input as { n: unknown };
      if (typeof n !== "number" || Object.keys(rest).length > 0) throw new Error(`ran with ${JSON.stringify(input)}`);
      return { result: n };
    },
  };
  const details: string[] = [];
  const ends: Record<string, number> = {};
  for (let at = 0; at < 10_000; at++) {
    const name = NAMES[at % NAMES.length]!;
    const provider: Provider = {
      name,
      stream: () => readChunks(sliced(mutated(random, random.pick(GOOD[name]))), { dialect: DIALECTS[name], onReport: () => undefined }),
    };
    const clientResults = new PendingCalls<ToolResultRequest>();
    const approvals = new PendingCalls<ApprovalRequest>();
    const signal = new AbortController().signal;
    let end = "";
    const loop = {
      provider,
      model: "m",
      instructions: "",
      messages: [],
      tools: [tool],
      clientTools: [],
      clientResults,
      approvals,
      signal,
      maxSteps: 3,
    };
    for await (const chunk of toolLoop({ ...loop, onDetail: (detail) => details.push(detail) })) {
      if (end !== "") throw new Error(`CHANL_SEED=${seed}, stream ${at}: ${chunk.type} after ${end}`);
      if (isTerminal(chunk)) end = chunk.type;
    }
    if (end === "" || clientResults.size + approvals.size > 0) throw new Error(`CHANL_SEED=${seed}, stream ${at}: ended with "${end}"`);
    ends[end] = (ends[end] ?? 0) + 1;
  }
  expect(
    details.filter((detail) => detail.includes("ran with")),
    `CHANL_SEED=${seed}`,
  ).toEqual([]);
  expect(Object.keys(ends).toSorted()).toEqual(["done", "error"]);
});

test(
  `${STREAMS_OVER_NETWORK} of them over the network: every answer ends once, and nothing is left of them`,
  { timeout: 600_000 },
  async () => {
    const seed = newSeed();
    const random = seededRandom(seed);
    const before = activeResources();
    const provider = await startReplayProvider();
    const baseUrl = provider.url;
    const models = {
      openai: "openai/m",
      "openai-responses": "openai-responses/m",
      anthropic: "anthropic/m",
      gemini: "gemini/m",
      compatible: "openai/llama",
    };
    const gateway = await startTestGateway({
      openai: { baseUrl: `${baseUrl}/v1` },
      anthropic: { baseUrl, maxTokens: 10 },
      gemini: { baseUrl },
      tools: [{ name: "t", description: "", parameters: { type: "object" }, run: () => ({ result: 1 }) }],
      agents: NAMES.map((name) => ({ id: name, name, instructions: "", model: models[name], tools: ["t"], limits: { maxSteps: 3 } })),
    });
    provider.reply((call) => ({
      slices: mutated(random, random.pick(GOOD[dialectOf(call)])),
      ending: random.pick(["end", "end", "reset"]),
    }));
    const ends: Record<string, number> = {};
    const ask = async (at: number): Promise<void> => {
      const events = await readAll(await postChat(gateway.url, { ...userSays("go"), agentId: NAMES[at % NAMES.length] }));
      const terminals = events.filter(isTerminal);
      if (terminals.length !== 1 || terminals[0] !== events.at(-1))
        throw new Error(`CHANL_SEED=${seed}, answer ${at}: ${JSON.stringify(events)}`);
      ends[terminals[0]!.type] = (ends[terminals[0]!.type] ?? 0) + 1;
    };
    for (let at = 0; at < STREAMS_OVER_NETWORK; at += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, beside) => ask(at + beside)));
    expect(Object.keys(ends).toSorted()).toEqual(["done", "error"]);
    expect(gateway.gateway.runs.running).toBe(0);
    await expect.poll(() => provider.open(), { timeout: 5000 }).toBe(0);
    await gateway.close();
    await provider.close();
    await expect.poll(activeResources, { timeout: 5000 }).toEqual(before);
  },
);

async function* sliced(slices: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* slices;
}
