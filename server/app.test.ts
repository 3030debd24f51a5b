/** What lies around the chat: origins, agents, health, pages, a router in somebody else's app, the program itself. */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";

import express from "express";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

import { createChatRouter } from "./app.ts";
import { ConfigError, loadConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { openAiText } from "./testing/replay-provider.ts";
import { postChat, readAll, textOf, userSays } from "./testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "./testing/test-gateway.ts";

const EXTENSION = "abcdefghijklmnopabcdefghijklmnop";

interface Refusal {
  error: { code: string; message: string; field?: string };
}

test("a foreign origin is refused with the setting that would let it in; the listed ones read their answers and their errors", async () => {
  const gateway = await startTestGateway({
    devOrigins: false,
    allowedOrigins: ["https://www.example.com"],
    allowedExtensionIds: [EXTENSION],
  });
  const from = (origin: string, body: unknown = userSays("hi")): Promise<Response> =>
    postChat(gateway.url, body, { headers: { Origin: origin } });
  for (const origin of [
    "https://evil.example",
    "https://www.example.com.evil.example",
    "http://www.example.com",
    "https://example.com",
    "null",
    "http://localhost:5173",
  ]) {
    const refused = await from(origin);
    expect(refused.status, origin).toBe(403);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    expect(refused.headers.get("vary")).toContain("Origin");
    expect(((await refused.json()) as Refusal).error.message).toBe(
      `The origin ${origin} may not use this gateway. To let it in, add ${origin} to ALLOWED_ORIGINS.`,
    );
  }
  const otherExtension = await from(`chrome-extension://${"p".repeat(32)}`);
  expect(((await otherExtension.json()) as Refusal).error.message).toContain(`add ${"p".repeat(32)} to ALLOWED_EXTENSION_IDS`);
  expect(gateway.gateway.runs.running).toBe(0);
  for (const origin of ["https://www.example.com", `chrome-extension://${EXTENSION}`, gateway.url]) {
    const allowed = await from(origin);
    expect(allowed.status, origin).toBe(200);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
    expect(allowed.headers.get("access-control-expose-headers")).toContain("X-Stream-Id");
    await allowed.text();
    const wrong = await from(origin, {});
    expect(wrong.status).toBe(400);
    expect(wrong.headers.get("access-control-allow-origin")).toBe(origin);
  }
});

test("a preflight names methods, headers and ten minutes; on this machine pages and extensions are let in by default", async () => {
  const gateway = await startTestGateway();
  for (const origin of ["http://localhost:5173", "http://127.0.0.1:8080", `chrome-extension://${"p".repeat(32)}`]) {
    const preflight = await fetch(`${gateway.url}/api/chat/stream`, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-max-age")).toBe("600");
    for (const header of ["Content-Type", "Authorization", "Last-Event-ID", "Idempotency-Key", "X-Requested-With"]) {
      expect(preflight.headers.get("access-control-allow-headers")).toContain(header);
    }
  }
  const evil = await fetch(`${gateway.url}/api/chat/stream`, { method: "OPTIONS", headers: { Origin: "http://localhost.evil.example" } });
  expect(evil.status).toBe(403);
  expect((await postChat(gateway.url, userSays("hi"), { headers: { Origin: "https://evil.example" } })).status).toBe(403);
});

test("agents are made, read, changed and deleted with the admin key, and answer at once", async () => {
  const { gateway, provider } = await startWithProvider({ adminKey: "the-admin-key-of-the-test" });
  provider.reply({ slices: openAiText(["Ahoy"]) });
  const call = (method: string, path: string, body?: unknown, key = "the-admin-key-of-the-test"): Promise<Response> =>
    fetch(`${gateway.url}/api/agents${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const made = await call("POST", "", { name: "Pirate", instructions: "Talk like a pirate.", model: "openai/m2" });
  expect(made.status).toBe(201);
  const agent = (await made.json()) as { id: string };
  expect(agent).toEqual({
    id: expect.stringMatching(/^agent_[0-9a-f]+$/) as string,
    name: "Pirate",
    instructions: "Talk like a pirate.",
    model: "openai/m2",
    tools: [],
  });
  expect(textOf(await readAll(await postChat(gateway.url, { ...userSays("hi"), agentId: agent.id })))).toBe("Ahoy");
  expect(provider.calls[0]?.body).toMatchObject({
    model: "m2",
    messages: [{ role: "system", content: "Talk like a pirate." }, { role: "user" }],
  });
  expect(await (await call("PATCH", `/${agent.id}`, { name: "Captain" })).json()).toMatchObject({
    name: "Captain",
    instructions: "Talk like a pirate.",
  });
  expect(((await (await call("GET", "")).json()) as { agents: unknown[] }).agents).toHaveLength(2);
  expect((await call("GET", `/${agent.id}`)).status).toBe(200);
  expect((await call("DELETE", `/${agent.id}`)).status).toBe(204);
  expect((await call("GET", `/${agent.id}`)).status).toBe(404);
  expect((await call("DELETE", `/${agent.id}`)).status).toBe(404);
  expect((await call("PATCH", `/${agent.id}`, {})).status).toBe(404);
  expect((await call("POST", "", { name: "x", instructions: "", id: "docs" })).status).toBe(409);
  const nameless = await call("POST", "", { instructions: "x" });
  expect(((await nameless.json()) as Refusal).error).toMatchObject({ field: "name", message: "name is missing." });
  const unknownTool = await call("POST", "", { name: "x", instructions: "", tools: ["nuke"] });
  expect(((await unknownTool.json()) as Refusal).error.message).toBe("tools[0] must be one of search_docs.");
  for (const wrong of ["", "the-admin-key-of-the-tesT", "x".repeat(1000)])
    expect((await call("GET", "", undefined, wrong)).status).toBe(401);
});

test("without an admin key the agents routes are closed and say what opens them", async () => {
  const gateway = await startTestGateway();
  const refused = await fetch(`${gateway.url}/api/agents`, { headers: { Authorization: "Bearer anything" } });
  expect(refused.status).toBe(403);
  expect(((await refused.json()) as Refusal).error.message).toContain("ADMIN_KEY");
});

test("health and readiness are told, and a stream's owner is the only one to find it", async () => {
  const gateway = await startTestGateway({
    identify: (request) => {
      const who = request.headers.authorization;
      if (!who) throw new GatewayError("unauthorized");
      return who;
    },
  });
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  expect((await postChat(gateway.url, userSays("hi"))).status).toBe(401);
  const mine = await postChat(gateway.url, userSays("hi", { requestId: "r" }), { headers: { Authorization: "alice" } });
  await mine.text();
  const address = `${gateway.url}/api/chat/stream/${mine.headers.get("x-stream-id")}`;
  for (const [method, path] of [
    ["GET", ""],
    ["POST", "/cancel"],
  ] as const) {
    expect((await fetch(`${address}${path}`, { method, headers: { Authorization: "bob" } })).status).toBe(404);
  }
  expect((await fetch(address, { headers: { Authorization: "alice" } })).status).toBe(200);
  const other = await postChat(gateway.url, userSays("hi", { requestId: "r" }), { headers: { Authorization: "bob" } });
  expect(other.headers.get("x-stream-id")).not.toBe(mine.headers.get("x-stream-id"));
  await other.text();
});

test("pages have a strict policy, scripts are for every site, and nothing else of the folder is served", async () => {
  const folder = await mkdtemp(join(tmpdir(), "public-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "demo", "demo"), { recursive: true });
  await mkdir(join(folder, "demo", "assets"));
  await mkdir(join(folder, "server"));
  await writeFile(join(folder, "demo", "demo", "index.html"), "<!doctype html><title>demo</title>");
  await writeFile(join(folder, "demo", "demo", "react.html"), "<!doctype html><title>react</title>");
  await writeFile(join(folder, "demo", "assets", "index-abc.js"), "export {}");
  await writeFile(join(folder, "chanl-chat.js"), "export {}");
  await writeFile(join(folder, "server", "main.js"), "secret");
  const gateway = await startTestGateway({ publicDir: folder });
  const page = await fetch(`${gateway.url}/`);
  expect(await page.text()).toContain("<title>demo");
  const csp = page.headers.get("content-security-policy") ?? "";
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "trusted-types lit-html",
    "require-trusted-types-for 'script'",
    "frame-ancestors 'self'",
    `connect-src 'self' ws://${new URL(gateway.url).host}`,
  ]) {
    expect(csp).toContain(rule);
  }
  expect(csp).not.toContain("unsafe");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(page.headers.get("x-powered-by")).toBeNull();
  expect((await fetch(`${gateway.url}/react.html`)).status).toBe(200);
  expect((await fetch(`${gateway.url}/assets/index-abc.js`)).headers.get("cache-control")).toContain("immutable");
  const script = await fetch(`${gateway.url}/chanl-chat.js`, { headers: { Origin: "https://anywhere.example" } });
  expect(script.status).toBe(200);
  expect(script.headers.get("access-control-allow-origin")).toBe("*");
  expect(script.headers.get("content-type")).toContain("javascript");
  for (const path of [
    "/server/main.js",
    "/embed.js",
    "/../package.json",
    "/%2e%2e/package.json",
    "/docs/nothing.md",
    "/docs/../package.json",
    "/nothing",
  ]) {
    expect((await fetch(`${gateway.url}${path}`)).status, path).toBe(404);
  }
});

test("the router answers inside another app, with its WebSocket", async () => {
  const router = createChatRouter({ docsGuideTokensPerSecond: 0, docsGuideFragmentMs: 0, shutdownMs: 0 });
  const app = express();
  app.use(express.json());
  app.get("/own", (_request, response) => void response.send("own"));
  app.use("/api", router);
  const server = createHttpServer(app);
  server.on("upgrade", (request, socket, head) => router.handleUpgrade(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    await router.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  const events = await readAll(await postChat(url, userSays("How do I embed the widget?")));
  expect(textOf(events)).toContain("chanl-chat.js");
  expect(events.find((event) => event.type === "source")).not.toHaveProperty("url");
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/chat/ws`);
  await once(socket, "open");
  socket.send('{"type":"ping"}');
  const [data] = (await once(socket, "message")) as [Buffer];
  expect(String(data)).toBe('{"type":"pong"}');
  socket.close();
});

test.each([
  [{ PORT: "abc" }, "PORT must be a whole number"],
  [{ PORT: "70000" }, "PORT must be at most 65535"],
  [{ COALESCE_MS: "51" }, "COALESCE_MS must be at most 50"],
  [{ ALLOWED_ORIGINS: "https://a.example, https://b.example/" }, 'ALLOWED_ORIGINS holds "https://b.example/"'],
  [{ ALLOWED_ORIGINS: "*" }, 'ALLOWED_ORIGINS holds "*"'],
  [{ ALLOWED_EXTENSION_IDS: "xyz" }, 'ALLOWED_EXTENSION_IDS holds "xyz"'],
  [{ OPENAI_BASE_URL: "localhost:11434" }, "OPENAI_BASE_URL must be an http or https address"],
  [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of"],
])("the environment %j stops the start and says: %s", (environment, message) => {
  expect(() => loadConfig(environment)).toThrow(ConfigError);
  expect(() => loadConfig(environment)).toThrow(message);
});

test("a wrong key is named, never quoted; empty variables count as not set", () => {
  expect(() => loadConfig({ OPENAI_API_KEY: "sk secret" })).toThrow(/^OPENAI_API_KEY must not hold spaces/);
  expect(() => loadConfig({ OPENAI_API_KEY: "sk secret" })).not.toThrow("sk secret");
  expect(loadConfig({ PORT: "", OPENAI_API_KEY: " " })).toMatchObject({
    port: 3000,
    host: "127.0.0.1",
    model: "docs-guide",
    devOrigins: true,
  });
  expect(loadConfig({ ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "b" }).model).toMatch(/^anthropic\//);
  expect(loadConfig({ OPENAI_BASE_URL: "http://localhost:11434/v1", MODEL: "openai/llama3.2" })).toMatchObject({
    model: "openai/llama3.2",
    openai: { apiKey: undefined },
  });
  expect(loadConfig({ HOST: "0.0.0.0" }).devOrigins).toBe(false);
  expect(loadConfig({ NODE_ENV: "production" }).devOrigins).toBe(false);
});

test("the error of a request never holds a stack or a path", async () => {
  const gateway = await startTestGateway({
    agentStore: {
      get: () => Promise.reject(new Error("ENOENT /secret/agents.json")),
      list: () => Promise.resolve([]),
      create: (agent) => Promise.resolve(agent),
      update: () => Promise.resolve(undefined),
      delete: () => Promise.resolve(false),
    },
  });
  const response = await postChat(gateway.url, userSays("hi", { requestId: "r1" }));
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    error: { code: "internal", message: "Something went wrong at the gateway.", retryable: true, requestId: "r1" },
  });
  expect(gateway.log()).toContain("ENOENT");
});

test("what people write is not in the log", async () => {
  const gateway = await startTestGateway({ logLevel: "debug" });
  await (await postChat(gateway.url, userSays("my-private-question about embedding"))).text();
  expect(gateway.log()).toContain("run ended");
  expect(gateway.log()).not.toContain("my-private-question");
});
