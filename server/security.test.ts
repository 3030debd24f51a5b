/**
 * The eleven rules of the gateway's security, each with a mutant: the same look at something broken on purpose has to find it.
 * Rule 2 (tokens) is also in auth/sessions.test.ts, rule 7 in auth/limits.test.ts, rule 8 in outbound.test.ts.
 */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer as createNetServer, type AddressInfo } from "node:net";
import { Writable } from "node:stream";

import { decodeJwt } from "jose";
import { pino } from "pino";
import { WebSocket } from "ws";
import { expect, onTestFinished, test } from "vitest";

import { SseDecoder } from "../shared/sse/decoder.ts";
import type { StreamEvent } from "../shared/protocol/chunk.ts";
import { createServer } from "./app.ts";
import { OriginPolicy } from "./auth/origins.ts";
import { createLogger } from "./logger.ts";
import type { Provider } from "./providers/provider.ts";
import { parseChatRequest } from "./routes/request-schema.ts";
import { encodeFrame } from "./stream/frame.ts";
import { startMcpHttpServer } from "./testing/mcp-http-server.ts";
import { openAiCall, openAiText, startReplayProvider } from "./testing/replay-provider.ts";
import { postChat, userSays } from "./testing/stream-client.ts";
import { newSeed, seededRandom } from "./testing/seeded-random.ts";
import { startTestGateway, startWithProvider } from "./testing/test-gateway.ts";

const headersOf = (response: Response): string => JSON.stringify([...response.headers]);

test("1. no key is in any response, event or log line, whatever happens", async () => {
  const keys = {
    openai: "canary-openai-0001",
    anthropic: "canary-anthropic-0002",
    gemini: "canary-gemini-0003",
    adminKey: "canary-admin-key-0004",
    siteSecret: "canary-site-secret-0005",
    mcp: "canary-mcp-key-0006",
  };
  const upstream = await startReplayProvider();
  onTestFinished(() => upstream.close());
  const mcp = await startMcpHttpServer();
  onTestFinished(() => mcp.close());
  /** Everything a caller or an operator could see of one gateway, with every kind of failure in it. */
  async function everythingSaid(providers: Record<string, Provider>): Promise<{ said: string; leaks: string[] }> {
    const baseUrl = upstream.url;
    const models = ["openai/m", "openai-responses/m", "anthropic/m", "gemini/m", "leaky/m"];
    const gateway = await startTestGateway({
      openai: { baseUrl, apiKey: keys.openai },
      anthropic: { baseUrl, apiKey: keys.anthropic, maxTokens: 10 },
      gemini: { baseUrl, apiKey: keys.gemini },
      adminKey: keys.adminKey,
      siteSecret: keys.siteSecret,
      allowAnonymous: true,
      mcpServers: {
        tools: { url: mcp.url, headers: { Authorization: `Bearer ${keys.mcp}` } },
        gone: { url: "http://127.0.0.1:9/", headers: { "X-Key": keys.mcp } },
      },
      tools: [{ name: "t", description: "", parameters: {}, run: () => Promise.reject(new Error(`upstream said ${keys.openai}`)) }],
      agents: models.map((model) => ({
        id: model.split("/")[0]!,
        name: "a",
        instructions: "",
        model,
        tools: ["t"],
        mcpServers: ["tools", "gone"],
      })),
      providers,
      logLevel: "info",
    });
    let said = "";
    const look = async (response: Response): Promise<void> => void (said += headersOf(response) + (await response.text()));
    const echo = (call: { headers: object }): string => JSON.stringify(call.headers);
    for (const reply of [
      (call: { headers: object }) => ({ status: 401, slices: [echo(call)] }),
      (call: { headers: object }) => ({ status: 500, slices: [echo(call)] }),
      (call: { headers: object }) => ({ slices: [`data: {"error":{"message":${JSON.stringify(echo(call))}}}\n\n`] }),
      () => ({ slices: openAiCall("t", ["{}"]) }),
      () => ({ slices: ["data: {broken\n\n"], ending: "reset" as const }),
    ]) {
      upstream.reply(reply);
      for (const { id } of await gateway.gateway.agents.list()) {
        if (id !== "docs") await look(await postChat(gateway.url, { ...userSays("hi"), agentId: id }));
      }
    }
    const admin = { Authorization: `Bearer ${keys.adminKey}`, "Content-Type": "application/json" };
    await look(await fetch(`${gateway.url}/api/agents`, { headers: admin }));
    await look(await fetch(`${gateway.url}/api/agents`, { headers: { Authorization: `Bearer ${keys.adminKey}x` } }));
    const body = '{"agentId":"openai","user":"u"}';
    const site = { ...admin, Authorization: `Bearer ${keys.siteSecret}` };
    await look(await fetch(`${gateway.url}/api/sessions`, { method: "POST", headers: site, body }));
    await look(await fetch(`${gateway.url}/api/sessions`, { method: "POST", headers: admin, body }));
    for (const path of ["/", "/healthz", "/readyz", "/metrics", "/api/nothing", "/docs/server.md"])
      await look(await fetch(gateway.url + path));
    return { said: said + gateway.log(), leaks: gateway.takeLeaks() };
  }
  const found = (text: string): string[] => Object.values(keys).filter((key) => text.includes(key));
  const kept = await everythingSaid({});
  expect(found(kept.said)).toEqual([]);
  expect(kept.leaks).toEqual([]);
  const leaky: Provider = {
    name: "leaky",
    async *stream() {
      yield { type: "error", code: "provider_error", message: `refused: ${keys.openai}`, retryable: false };
    },
  };
  const told = await everythingSaid({ leaky });
  expect(found(told.said)).toEqual([keys.openai]);
  // Every gateway of every test here is watched like this; those of the end-to-end tests as well.
  expect(told.leaks).toEqual(["openai"]);
}, 30_000);

test("2. a token that was forged reads well and opens nothing", async () => {
  const { gateway, provider } = await startWithProvider({ siteSecret: "the-secret-of-the-test-site" });
  provider.reply({ slices: openAiText(["ok"]) });
  const { token } = await gateway.gateway.sessionTokens!.issue({ user: "u", agentId: "docs" });
  const [head, , signature] = token.split(".");
  const claims = { ...decodeJwt(token), sub: "somebody-else" };
  const forged = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
  const status = async (given: string): Promise<number> =>
    (await postChat(gateway.url, userSays("hi"), { headers: { Authorization: `Bearer ${given}` } })).status;
  expect([await status(token), await status(forged)]).toEqual([200, 401]);
  // The mutant: a gateway that reads tokens without checking them would see a good one.
  expect(decodeJwt(forged)).toMatchObject({ sub: "somebody-else", iss: "chanl-chat" });
});

const FOREIGN = [
  "https://evil.example.com",
  "https://shop.example.com.evil.com",
  "https://shop.example.com:444",
  "http://shop.example.com",
  "null",
  "https://SHOP.example.com",
];

test("3. an origin is let in when it is on the list, letter by letter, and is never reflected", async () => {
  const look = async (origins: OriginPolicy): Promise<string[]> => {
    const gateway = await startTestGateway({ allowedOrigins: ["https://shop.example.com"], devOrigins: false });
    Object.assign(gateway.gateway.origins, { check: origins.check.bind(origins) });
    const letIn: string[] = [];
    for (const origin of FOREIGN) {
      const response = await fetch(`${gateway.url}/api/chat/stream`, { method: "OPTIONS", headers: { Origin: origin } });
      if (response.status !== 403 || response.headers.has("access-control-allow-origin")) letIn.push(origin);
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      expect(response.headers.get("vary")).toContain("Origin");
    }
    return letIn;
  };
  const options = { allowedOrigins: ["https://shop.example.com"], allowedExtensionIds: [], devOrigins: false };
  expect(await look(new OriginPolicy(options))).toEqual([]);
  class Reflecting extends OriginPolicy {
    override check(): void {}
  }
  expect(await look(new Reflecting(options))).toEqual(FOREIGN);
});

test("4. a page of another site cannot open a WebSocket", async () => {
  const opens = async (devOrigins: boolean): Promise<boolean> => {
    const gateway = await startTestGateway({ devOrigins });
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/api/chat/ws`, { headers: { Origin: "http://localhost:1" } });
    socket.on("error", () => undefined);
    const opened = await Promise.race([once(socket, "open").then(() => true), once(socket, "unexpected-response").then(() => false)]);
    socket.terminate();
    return opened;
  };
  expect(await opens(false)).toBe(false);
  expect(await opens(true)).toBe(true);
});

test("5. another's stream is not there, nor is an id that is none; a cursor is a whole number", async () => {
  const look = async (identify: (request: { headers: object }) => string): Promise<number> => {
    const { gateway, provider } = await startWithProvider({ identify });
    provider.reply({ slices: openAiText(["mine"]) });
    const mine = await postChat(gateway.url, userSays("hi"), { headers: { "X-User": "a" } });
    const id = mine.headers.get("x-stream-id");
    await mine.text();
    for (const odd of ["..%2f..%2fagents", "%00", "a".repeat(500), "__proto__", "constructor", `${id}%0d%0aX: y`])
      expect([400, 404]).toContain((await fetch(`${gateway.url}/api/chat/stream/${odd}`, { headers: { "X-User": "a" } })).status);
    for (const cursor of ["-1", "1e9", "0x1", "1;2", "9".repeat(40), "1.5"])
      expect((await fetch(`${gateway.url}/api/chat/stream/${id}`, { headers: { "X-User": "a", "Last-Event-ID": cursor } })).status).toBe(
        400,
      );
    return (await fetch(`${gateway.url}/api/chat/stream/${id}`, { headers: { "X-User": "b" } })).status;
  };
  expect(await look(({ headers }) => (headers as Record<string, string>)["x-user"] ?? "")).toBe(404);
  expect(await look(() => "everybody")).toBe(200);
});

test("6. what is said cannot become a header, an id or another event", async () => {
  const seed = newSeed();
  const random = seededRandom(seed);
  const pieces = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "data: x",
    "id: 99",
    "event: done",
    "retry: 1",
    ": c",
    "\u0000",
    "\u2028",
    "\u2029",
    "\ufeff",
    "é",
    "👩‍🚀",
    "\ud800",
    "a",
  ];
  const wrong = (encode: (content: string, seq: number) => string): number => {
    let failures = 0;
    for (let at = 1; at <= 5000; at++) {
      const content = Array.from({ length: random.below(8) }, () => random.pick(pieces)).join("");
      const events: { data: string; lastEventId: string }[] = [];
      const decoder = new SseDecoder({ onEvent: (event) => events.push(event) });
      decoder.push(new TextEncoder().encode(encode(content, at)));
      decoder.end();
      const told = events.length === 1 && events[0]!.lastEventId === String(at) ? safeContent(events[0]!.data) : undefined;
      if (told !== content) failures++;
    }
    return failures;
  };
  expect(
    wrong((content, seq) => encodeFrame({ type: "token", content }, seq).sse),
    `CHANL_SEED=${seed}`,
  ).toBe(0);
  expect(wrong((content, seq) => `id: ${seq}\ndata: {"type":"token","content":"${content}","seq":${seq}}\n\n`)).toBeGreaterThan(1000);
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiText(["ok"]) });
  const requestId = "r\r\nX-Evil: 1\n\ndata: {}";
  const response = await postChat(gateway.url, userSays("hi", { requestId }));
  expect(headersOf(response)).not.toContain("evil");
  expect((await response.text()).split("\n\n").filter((block) => block.includes("data: "))).toHaveLength(4);
});

function safeContent(data: string): unknown {
  try {
    return (JSON.parse(data) as StreamEvent & { content: unknown }).content;
  } catch {
    return undefined;
  }
}

test("7. what is too much is refused in a sentence, before it costs anything", async () => {
  const look = async (streamsPerAddress: number): Promise<number[]> => {
    const { gateway, provider } = await startWithProvider({ streamsPerAddress });
    provider.reply({ slices: openAiText(["a"]).slice(0, 2), ending: "hang" });
    const statuses = [
      (await postChat(gateway.url, userSays("x".repeat(300_000)))).status,
      (await postChat(gateway.url, { agentId: "docs", messages: Array.from({ length: 201 }, () => ({ role: "user", content: "x" })) }))
        .status,
      (await postChat(gateway.url, userSays("x".repeat(100_001)))).status,
    ];
    expect(provider.calls).toHaveLength(0);
    statuses.push((await postChat(gateway.url, userSays("hi"))).status, (await postChat(gateway.url, userSays("hi"))).status);
    return statuses;
  };
  expect(await look(1)).toEqual([413, 400, 400, 200, 503]);
  expect(await look(0)).toEqual([413, 400, 400, 200, 200]);
});

test("8. no address of a request, a redirect or an agent leads the gateway into its own network", async () => {
  const inside = await startReplayProvider();
  onTestFinished(() => inside.close());
  inside.reply({ slices: ["the metadata"] });
  const { gateway, provider } = await startWithProvider({ adminKey: "the-admin-key-of-the-test", providerRetries: 0 });
  provider.reply({ status: 307, headers: { Location: `${inside.url}/latest/meta-data` }, slices: [] });
  const hints = {
    baseUrl: inside.url,
    base_url: inside.url,
    url: inside.url,
    model: `openai/${inside.url}`,
    headers: { host: inside.url },
  };
  await (await postChat(gateway.url, { ...userSays("hi"), ...hints })).text();
  expect(provider.calls[0]?.body).not.toMatchObject({ model: hints.model });
  const headers = { Authorization: "Bearer the-admin-key-of-the-test", "Content-Type": "application/json" };
  const make = (body: object): Promise<Response> =>
    fetch(`${gateway.url}/api/agents`, { method: "POST", headers, body: JSON.stringify({ name: "x", ...body }) });
  for (const server of [inside.url, { name: "a", url: inside.url }, { name: "a", command: "sh", args: ["-c", "id"] }])
    expect((await make({ mcpServers: [server] })).status).toBe(400);
  // Counted by connections: to a server of TLS a request would not come that far.
  let connections = 0;
  const secret = createNetServer((socket) => {
    connections++;
    socket.destroy();
  });
  secret.listen(0);
  await once(secret, "listening");
  onTestFinished(() => void secret.close());
  const { port } = secret.address() as AddressInfo;
  expect(
    (
      await make({
        id: "evil",
        mcpServers: [
          { name: "a", url: `https://127.0.0.1:${port}/` },
          { name: "b", url: `https://localhost:${port}/` },
        ],
      })
    ).status,
  ).toBe(201);
  await (await postChat(gateway.url, { ...userSays("hi"), agentId: "evil" })).text();
  expect(connections).toBe(0);
  expect(inside.calls).toHaveLength(0);
  // The mutant: the same redirect, followed.
  await fetch(`${provider.url}/v1/chat/completions`, { method: "POST", body: "{}" }).catch(() => undefined);
  expect(inside.calls).toHaveLength(1);
});

test("9. __proto__, constructor and prototype are refused in bodies, and never reach a tool", async () => {
  const bodies = ['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"a":[{"prototype":1}]}'];
  const merge = (target: Record<string, unknown>, source: object): Record<string, unknown> => {
    for (const [key, value] of Object.entries(source) as [string, unknown][]) {
      if (typeof value === "object" && value !== null) merge((target[key] ??= {}) as Record<string, unknown>, value);
      else target[key] = value;
    }
    return target;
  };
  const seen: unknown[] = [];
  const tools = [
    { name: "t", description: "", parameters: {}, run: (input: unknown) => (seen.push(merge({}, input as object)), { result: 1 }) },
  ];
  const { gateway, provider } = await startWithProvider({ tools, agents: [{ id: "w", name: "W", instructions: "", tools: ["t"] }] });
  for (const body of bodies) {
    expect(() =>
      parseChatRequest({ ...userSays("hi"), tools: [{ name: "x", description: "", parameters: JSON.parse(body) as unknown }] }),
    ).toThrow("not allowed");
    provider.reply({ slices: openAiCall("t", [body]) }, { slices: openAiText(["ok"]) });
    const text = await (await postChat(gateway.url, { ...userSays("hi"), agentId: "w" })).text();
    expect(text).toContain("The arguments hold a key named __proto__, constructor or prototype");
  }
  expect(seen).toEqual([]);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  // The mutant: the tool's careless merge, had it been given the arguments.
  merge({}, JSON.parse(bodies[0]!) as object);
  expect(({} as { polluted?: number }).polluted).toBe(1);
  delete (Object.prototype as { polluted?: number }).polluted;
});

test("10. a client that sends its headers drop by drop is cut off", { timeout: 20_000 }, async () => {
  const gateway = await startTestGateway();
  expect(gateway.server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000, maxConnections: 10_000 });
  // The same server, with less patience: connections are looked at every 5 s.
  gateway.server.headersTimeout = 300;
  const mutant = createHttpServer({ headersTimeout: 0, requestTimeout: 0 }, (_request, response) => response.end());
  mutant.listen(0, "127.0.0.1");
  await once(mutant, "listening");
  onTestFinished(() => {
    mutant.closeAllConnections();
    mutant.close();
  });
  const drip = (port: number): { closed: () => boolean; whenClosed: Promise<unknown> } => {
    const socket = connect(port, "127.0.0.1");
    socket.write("POST /api/chat/stream HTTP/1.1\r\n");
    socket.on("error", () => undefined);
    const timer = setInterval(() => socket.write("X-A: b\r\n"), 100);
    let isClosed = false;
    const whenClosed = new Promise<void>((resolve) => socket.once("close", () => resolve())).then(() => (isClosed = true));
    onTestFinished(() => {
      clearInterval(timer);
      socket.destroy();
    });
    return { closed: () => isClosed, whenClosed };
  };
  const patient = drip((mutant.address() as AddressInfo).port);
  await drip((gateway.server.address() as AddressInfo).port).whenClosed;
  expect(patient.closed()).toBe(false);
});

test("11. a log line holds no key and nothing that people write", () => {
  const secrets = {
    authorization: "s1",
    cookie: "s2",
    apiKey: "s3",
    adminKey: "s4",
    "x-api-key": "s5",
    messages: ["s6"],
    content: "s7",
    arguments: { a: "s8" },
  };
  const look = (make: (destination: Writable) => ReturnType<typeof createLogger>): string[] => {
    let log = "";
    const destination = new Writable({ write: (chunk, _encoding, done) => ((log += String(chunk)), done()) });
    const logger = make(destination);
    logger.info(secrets, "at the top");
    logger.error({ request: secrets }, "one level down");
    expect(log.split("\n")).toHaveLength(3);
    return log.match(/"s\d"/g) ?? [];
  };
  expect(look((destination) => createLogger({ destination }))).toEqual([]);
  expect(look((destination) => pino({}, destination))).toHaveLength(16);
});

test("a server that other machines reach is not made until it is told who may use it", () => {
  expect(() => createServer({ host: "0.0.0.0" })).toThrow("HOST 0.0.0.0 can be reached from other machines: set SITE_SECRET,");
  for (const told of [{ siteSecret: "the-secret-of-the-test-site" }, { allowAnonymous: true }, { identify: () => "somebody" }])
    expect(() => createServer({ host: "0.0.0.0", ...told })).not.toThrow();
});

test("the eleven rules hold on a server as it comes: no x-powered-by, nosniff and a strict policy on pages", async () => {
  const server = createServer({ port: 0 });
  const url = await server.listen();
  onTestFinished(() => server.close());
  const page = await fetch(url);
  expect(page.headers.get("x-powered-by")).toBeNull();
  if (page.status === 200) {
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  }
});
