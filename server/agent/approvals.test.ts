import { WebSocket } from "ws";
import { expect, test } from "vitest";

import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import type { GatewayOptions } from "../gateway.ts";
import type { Provider } from "../providers/provider.ts";
import { openAiCall, openAiText } from "../testing/replay-provider.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway, startWithProvider, type TestGateway } from "../testing/test-gateway.ts";
import type { Tool } from "./tool.ts";

const ask = { ...userSays("refund 12"), agentId: "w" };
const isPending = (events: readonly StreamEvent[]): boolean => events.some((event) => event.type === "tool_call" && event.needsApproval);

/** An agent with one tool, `refund`, that notes what it ran with. */
function withRefund(ran: unknown[], more: Partial<Tool> = {}): GatewayOptions {
  const refund: Tool = {
    name: "refund",
    description: "Pays an order back",
    parameters: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
    needsApproval: true,
    run: (input) => (ran.push(input), { result: "paid" }),
    ...more,
  };
  return { tools: [refund], agents: [{ id: "w", name: "W", instructions: "", tools: ["refund"] }] };
}

async function start(
  options: GatewayOptions,
  body: object = ask,
): Promise<Awaited<ReturnType<typeof startWithProvider>> & { id: string; response: Response }> {
  const started = await startWithProvider(options);
  started.provider.reply({ slices: openAiCall("refund", ['{"amount":89}'], "c1") }, { slices: openAiText(["Done."]) });
  const response = await postChat(started.gateway.url, body);
  return { ...started, response, id: response.headers.get("x-stream-id") ?? "" };
}

const decide = (gateway: TestGateway, id: string, body: object): Promise<Response> =>
  fetch(`${gateway.url}/api/chat/stream/${id}/approvals`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ toolCallId: "c1", ...body }),
  });
const follow = (gateway: TestGateway, id: string): Promise<Response> => fetch(`${gateway.url}/api/chat/stream/${id}`);
const lastMessage = (body: unknown): unknown => (body as { messages: { content: unknown }[] }).messages.at(-1)?.content;

test("a call that needs approval waits, runs once it is approved, and the decision stands in the stream and in the log", async () => {
  const ran: unknown[] = [];
  const { gateway, provider, id, response } = await start(withRefund(ran));
  const whole = response.text();
  await eventually(() => provider.calls.length === 1 && provider.open() === 0, "the call");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ran).toEqual([]);
  expect((await decide(gateway, id, { toolCallId: "other", approved: true })).status).toBe(409);
  expect((await decide(gateway, id, { approved: "yes" })).status).toBe(400);
  expect((await decide(gateway, id, { approved: true })).status).toBe(202);
  const text = await whole;
  expect(ran).toEqual([{ amount: 89 }]);
  expect(text).toContain('"needsApproval":true');
  const types = [...text.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type);
  expect(types.slice(types.indexOf("tool_call"))).toEqual([
    "tool_call",
    "step",
    "approval",
    "tool_result",
    "token",
    "usage",
    "step",
    "done",
  ]);
  expect((await decide(gateway, id, { approved: false })).status).toBe(409);
  expect(gateway.log()).toContain(`"streamId":"${id}","toolCallId":"c1","tool":"refund","approved":true,"edited":false`);
});

test("a declined call never runs; the model hears why", async () => {
  const ran: unknown[] = [];
  const { gateway, provider, id, response } = await start(withRefund(ran));
  await readUntil(response, isPending);
  await decide(gateway, id, { approved: false, reason: "too much" });
  const events = await readAll(await follow(gateway, id));
  expect(ran).toEqual([]);
  expect(events.find(({ type }) => type === "approval")).toMatchObject({ id: "c1", approved: false, reason: "too much" });
  expect(events.find(({ type }) => type === "tool_result")).toMatchObject({ error: "Declined by the user: too much" });
  expect(lastMessage(provider.calls[1]?.body)).toBe('{"error":"Declined by the user: too much"}');
  expect(textOf(events)).toBe("Done.");
});

test("edited arguments have to fit the tool; the tool runs with them, and the model is told", async () => {
  const ran: unknown[] = [];
  const { gateway, provider, id, response } = await start(withRefund(ran));
  await readUntil(response, isPending);
  const refused = await decide(gateway, id, { approved: true, arguments: { amount: "all" } });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: { field: "arguments", message: "arguments do not fit the tool: amount must be number." },
  });
  const poisoned = JSON.parse('{"amount":1,"__proto__":{}}') as object;
  expect((await decide(gateway, id, { approved: true, arguments: poisoned })).status).toBe(400);
  expect((await decide(gateway, id, { approved: true, arguments: { amount: 1 } })).status).toBe(202);
  const events = await readAll(await follow(gateway, id));
  expect(ran).toEqual([{ amount: 1 }]);
  expect(events.find(({ type }) => type === "approval")).toMatchObject({ arguments: { amount: 1 } });
  expect(lastMessage(provider.calls[1]?.body)).toBe('The user changed the arguments to {"amount":1}.\n"paid"');
});

test.each([
  ["asks above the limit", { amount: 89 }, true],
  ["does not below it", { amount: 5 }, false],
])("a rule on the arguments %s", async (_, input, asks) => {
  const rule = (given: unknown): boolean => (given as { amount: number }).amount > 50;
  const { gateway, provider } = await startWithProvider(withRefund([], { needsApproval: rule }));
  provider.reply({ slices: openAiCall("refund", [JSON.stringify(input)], "c1") }, { slices: openAiText(["Done."]) });
  const response = await postChat(gateway.url, ask);
  const events = await readUntil(response, (so) => isPending(so) || so.some(({ type }) => type === "tool_result"));
  expect(isPending(events)).toBe(asks);
});

test("a rule that throws means that a person is asked", async () => {
  const { response } = await start(withRefund([], { needsApproval: () => JSON.parse("{") as boolean }));
  expect(isPending(await readUntil(response, isPending))).toBe(true);
});

test("a pending approval outlives the grace time of a run that nobody reads, and a reload finds it pending", async () => {
  const ran: unknown[] = [];
  const { gateway, id, response } = await start({ ...withRefund(ran), graceMs: 500 });
  await readUntil(response, isPending);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const again = await follow(gateway, id);
  expect(isPending(await readUntil(again, isPending))).toBe(true);
  await decide(gateway, id, { approved: true });
  expect(textOf(await readAll(await follow(gateway, id)))).toBe("Done.");
  expect(ran).toEqual([{ amount: 89 }]);
});

test("Stop resolves a pending approval: the call does not run, and deciding comes too late", async () => {
  const ran: unknown[] = [];
  const { gateway, id, response } = await start(withRefund(ran));
  await readUntil(response, isPending);
  await fetch(`${gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST" });
  expect((await decide(gateway, id, { approved: true })).status).toBe(409);
  expect((await readAll(await follow(gateway, id))).at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
  expect(ran).toEqual([]);
});

test("an approval that nobody gives is given up", async () => {
  const { response } = await start({ ...withRefund([]), approvalTimeoutMs: 100 });
  const events = await readAll(response);
  expect(events.find(({ type }) => type === "tool_result")).toMatchObject({ error: "Nobody approved it within 1 s." });
  expect(textOf(events)).toBe("Done.");
});

test("a decision that comes while the model still writes is told at once", async () => {
  const ran: unknown[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let turns = 0;
  const slow: Provider = {
    name: "slow",
    async *stream() {
      if (turns++ === 0) {
        yield { type: "tool_call", index: 0, id: "c1", name: "refund", arguments: { amount: 89 }, runsOn: "server" };
        await released;
        yield { type: "done", reason: "tool_calls" };
      } else {
        yield { type: "token", content: "Done." };
        yield { type: "done", reason: "stop" };
      }
    },
  };
  const gateway = await startTestGateway({ ...withRefund(ran), providers: { slow }, model: "slow/x" });
  const response = await postChat(gateway.url, ask);
  const id = response.headers.get("x-stream-id") ?? "";
  await readUntil(response, isPending);
  await decide(gateway, id, { approved: true });
  await readUntil(await follow(gateway, id), (events) => events.some(({ type }) => type === "approval"));
  expect(ran).toEqual([]);
  release();
  expect(textOf(await readAll(await follow(gateway, id)))).toBe("Done.");
  expect(ran).toEqual([{ amount: 89 }]);
});

test("over the WebSocket the same: an approval as a message, a late one answered by an error", async () => {
  const ran: unknown[] = [];
  const { gateway, provider } = await startWithProvider(withRefund(ran));
  provider.reply({ slices: openAiCall("refund", ['{"amount":89}'], "c1") }, { slices: openAiText(["Done."]) });
  const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/api/chat/ws`);
  const received: Record<string, unknown>[] = [];
  socket.on("message", (data: Buffer) => received.push(JSON.parse(data.toString()) as Record<string, unknown>));
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(JSON.stringify({ type: "chat", ...ask }));
  await eventually(() => received.some((event) => event["needsApproval"] === true), "the pending call");
  const { streamId } = received[0]!;
  const approval = JSON.stringify({ type: "approval", streamId, toolCallId: "c1", approved: true });
  socket.send(approval);
  await eventually(() => received.some((event) => event["type"] === "done"), "the end");
  expect(ran).toEqual([{ amount: 89 }]);
  socket.send(approval);
  await eventually(() => received.some((event) => event["code"] === "conflict"), "the refusal");
  socket.close();
});

test("a tool of the client that needs approval is answered only after it", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply({ slices: openAiCall("fill_form", ["{}"], "c1") }, { slices: openAiText(["Filled."]) });
  const tools = [{ name: "fill_form", description: "Fills", parameters: { type: "object" }, needsApproval: true }];
  const response = await postChat(gateway.url, userSays("fill it", { tools }));
  const id = response.headers.get("x-stream-id") ?? "";
  const result = (): Promise<Response> =>
    fetch(`${gateway.url}/api/chat/stream/${id}/tool-results`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ toolCallId: "c1", result: "ok" }),
    });
  await readUntil(response, isPending);
  expect((await result()).status).toBe(404);
  await decide(gateway, id, { approved: true });
  await readUntil(await follow(gateway, id), (events) => events.some(({ type }) => type === "approval"));
  expect((await result()).status).toBe(202);
  expect(textOf(await readAll(await follow(gateway, id)))).toBe("Filled.");
});
