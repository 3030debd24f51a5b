/** Sessions: what a token opens, and what it does not. */
import { once } from "node:events";

import { SignJWT } from "jose";
import { WebSocket } from "ws";
import { expect, test } from "vitest";

import { createWebSocketTransport } from "../../shared/transport/web-socket.ts";
import { openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startWithProvider, type TestGateway } from "../testing/test-gateway.ts";
import type { GatewayOptions } from "../gateway.ts";
import { ConfigError, loadConfig } from "../config.ts";
import { createServer } from "../app.ts";
import { SessionTokens, tokenOf } from "./session-tokens.ts";

const SECRET = "the-secret-of-the-test-site";
const SITE = "https://shop.example.com";

async function start(more: GatewayOptions = {}): Promise<Awaited<ReturnType<typeof startWithProvider>>> {
  const agents = ["shop", "other"].map((id) => ({ id, name: id, instructions: "", tools: [] }));
  const started = await startWithProvider({ siteSecret: SECRET, agents, allowedOrigins: [SITE, "https://evil.example.com"], ...more });
  started.provider.reply({ slices: openAiText(["hello"]) });
  return started;
}

const trade = (gateway: TestGateway, body: object, secret = SECRET): Promise<Response> =>
  fetch(`${gateway.url}/api/sessions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}` },
    body: JSON.stringify(body),
  });

async function tokenFor(gateway: TestGateway, more: object = {}): Promise<string> {
  const response = await trade(gateway, { agentId: "shop", user: "u1", ...more });
  expect(response.status).toBe(201);
  return ((await response.json()) as { token: string }).token;
}

const bearer = (token: string, more: Record<string, string> = {}): { headers: Record<string, string> } => ({
  headers: { Authorization: `Bearer ${token}`, ...more },
});
const ask = (agentId = "shop"): Record<string, unknown> => ({ ...userSays("hi"), agentId });

test("a site trades its secret for a token, and a page asks with it", async () => {
  const { gateway } = await start();
  const response = await trade(gateway, { agentId: "shop", user: "u1", origin: SITE, expiresIn: 60 });
  expect(response.headers.get("cache-control")).toBe("no-store");
  const { token, expiresAt } = (await response.json()) as { token: string; expiresAt: string };
  expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(50_000);
  expect(Date.parse(expiresAt) - Date.now()).toBeLessThan(61_000);
  const answer = await postChat(gateway.url, ask(), bearer(token, { Origin: SITE }));
  expect(textOf(await readAll(answer))).toBe("hello");
});

test.each<[string, object, string, number, string]>([
  ["a wrong secret", { agentId: "shop", user: "u" }, "another-secret-of-a-site", 401, "SITE_SECRET"],
  ["an unknown agent", { agentId: "none", user: "u" }, SECRET, 404, "agentId"],
  ["no user", { agentId: "shop" }, SECRET, 400, "user is missing"],
  ["a life above 10 minutes", { agentId: "shop", user: "u", expiresIn: 601 }, SECRET, 400, "expiresIn must have at most 600"],
  ["an origin with a path", { agentId: "shop", user: "u", origin: "https://a.example.com/x" }, SECRET, 400, "origin must be an origin"],
])("%s gets no token", async (_, body, secret, status, words) => {
  const { gateway } = await start();
  const response = await trade(gateway, body, secret);
  expect(response.status).toBe(status);
  expect(await response.text()).toContain(words);
});

test("without a secret at the gateway, sessions are closed and say what opens them", async () => {
  const { gateway } = await start({ siteSecret: undefined });
  const response = await trade(gateway, { agentId: "shop", user: "u" });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain("set SITE_SECRET");
});

test("no token, a changed one, one of another site, one that is over, and one without a signature are all refused", async () => {
  const { gateway, provider } = await start();
  const good = await tokenFor(gateway);
  const [head, body, signature] = good.split(".") as [string, string, string];
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: "u2" })).toString("base64url");
  const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${body}.`;
  const past = Math.floor(Date.now() / 1000) - 60;
  const signed = await new SignJWT({ ...claims, exp: past }).setProtectedHeader({ alg: "HS256" }).sign(Buffer.from(SECRET));
  const foreign = (await new SessionTokens("another-secret-of-another-site").issue({ user: "u1", agentId: "shop" })).token;
  const over = (await new SessionTokens(SECRET).issue({ user: "u1", agentId: "shop" }, -60)).token;
  for (const token of ["", "x", `${head}.${changed}.${signature}`, none, signed, foreign, over]) {
    const refused = await postChat(gateway.url, ask(), token === "" ? {} : bearer(token));
    expect(refused.status, token).toBe(401);
    await refused.text();
  }
  expect(provider.calls).toHaveLength(0);
});

test("a token is for its agent, its site and its user: another agent is 403, another site 403, another user's stream 404", async () => {
  const { gateway, provider } = await start();
  const token = await tokenFor(gateway, { origin: SITE });
  expect((await postChat(gateway.url, ask("other"), bearer(token))).status).toBe(403);
  expect((await postChat(gateway.url, ask(), bearer(token, { Origin: "https://evil.example.com" }))).status).toBe(403);
  provider.reply({ slices: openAiText(["a", "b"]).slice(0, 2), ending: "hang" });
  const response = await postChat(gateway.url, ask(), bearer(token));
  const id = response.headers.get("x-stream-id");
  await readUntil(response, (events) => events.length === 2);
  const others = [await tokenFor(gateway, { user: "u2" }), await tokenFor(gateway, { agentId: "other" })];
  for (const other of others) {
    for (const [method, path] of [
      ["GET", ""],
      ["POST", "/cancel"],
      ["POST", "/tool-results"],
      ["POST", "/approvals"],
    ] as const) {
      const init = {
        method,
        headers: { ...bearer(other).headers, "Content-Type": "application/json" },
        ...(method === "POST" ? { body: '{"toolCallId":"c","approved":true}' } : {}),
      };
      expect((await fetch(`${gateway.url}/api/chat/stream/${id}${path}`, init)).status, path).toBe(404);
    }
  }
  // A renewed token of the same user goes on.
  const renewed = await tokenFor(gateway, { origin: SITE });
  expect((await fetch(`${gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST", ...bearer(renewed) })).status).toBe(202);
});

test("over the WebSocket the token is a subprotocol, and the transport sends it", async () => {
  const { gateway } = await start();
  const token = await tokenFor(gateway);
  const bare = new WebSocket(`${gateway.url.replace("http", "ws")}/api/chat/ws`);
  const [, refusal] = (await once(bare, "unexpected-response")) as [unknown, { statusCode: number }];
  expect(refusal.statusCode).toBe(401);
  bare.on("error", () => undefined).terminate();
  const transport = createWebSocketTransport({
    endpoint: `${gateway.url}/api/chat`,
    WebSocket,
    headers: () => Promise.resolve({ Authorization: `Bearer ${token}` }),
  });
  const types: string[] = [];
  for await (const chunk of transport.send({ agentId: "shop", messages: [{ role: "user", content: "hi" }], requestId: "r" }))
    types.push(chunk.type);
  expect(types.at(-1)).toBe("done");
  transport.close();
});

test("a socket ends with its session, and who has a new token reads on without a loss", async () => {
  const { gateway, provider } = await start();
  const words = Array.from({ length: 40 }, (_, at) => `w${at} `);
  provider.reply({ slices: openAiText(words), delayMs: 60 });
  const tokens = gateway.gateway.sessionTokens!;
  let asked = 0;
  const transport = createWebSocketTransport({
    endpoint: `${gateway.url}/api/chat`,
    WebSocket,
    retry: { baseMs: 1 },
    headers: async () => (
      asked++,
      { Authorization: `Bearer ${(await tokens.issue({ user: "u1", agentId: "shop" }, asked === 1 ? 1 : 600)).token}` }
    ),
  });
  let text = "";
  for await (const chunk of transport.send({ agentId: "shop", messages: [{ role: "user", content: "hi" }], requestId: "r" }))
    if (chunk.type === "token") text += chunk.content;
  expect(text).toBe(words.join(""));
  expect(asked).toBe(2);
  transport.close();
});

test("with ALLOW_ANONYMOUS callers without a token are let in, and tokens still count", async () => {
  const { gateway } = await start({ allowAnonymous: true });
  expect(textOf(await readAll(await postChat(gateway.url, ask())))).toBe("hello");
  expect((await postChat(gateway.url, ask("other"), bearer(await tokenFor(gateway)))).status).toBe(403);
});

test("a server that other machines reach does not start without a way to tell callers apart, and says what to set", () => {
  expect(() => createServer({ host: "0.0.0.0" })).toThrow(ConfigError);
  expect(() => createServer({ host: "0.0.0.0" })).toThrow(
    "HOST 0.0.0.0 can be reached from other machines: set SITE_SECRET, so that pages need a session token, or ALLOW_ANONYMOUS=true to let everybody in.",
  );
  for (const more of [{ siteSecret: SECRET }, { allowAnonymous: true }, { identify: () => "x" }, { host: "127.0.0.1" }, { host: "::1" }])
    expect(() => createServer({ host: "0.0.0.0", ...more })).not.toThrow();
  expect(() => loadConfig({ SITE_SECRET: "short" })).toThrow("SITE_SECRET must have at least 16 characters");
});

test("a token is found in the header and among the subprotocols, and nowhere else", () => {
  const request = (headers: Record<string, string>): never => ({ headers }) as never;
  expect(tokenOf(request({ authorization: "bearer a.b.c" }))).toBe("a.b.c");
  expect(tokenOf(request({ "sec-websocket-protocol": "chanl.v1, bearer.a.b.c" }))).toBe("a.b.c");
  expect(tokenOf(request({ "sec-websocket-protocol": "bearer.a.b.c" }))).toBe("a.b.c");
  expect(tokenOf(request({ "sec-websocket-protocol": "notbearer.a" }))).toBeUndefined();
  expect(tokenOf(request({ cookie: "token=a" }))).toBeUndefined();
});

test("tokens and secrets are in no log line", async () => {
  const { gateway } = await start({ logLevel: "debug" });
  const token = await tokenFor(gateway);
  await readAll(await postChat(gateway.url, ask(), bearer(token)));
  await eventually(() => gateway.log().includes("run ended"), "the log line");
  for (const secret of [token, SECRET, "key-of-the-test"]) expect(gateway.log()).not.toContain(secret);
});
