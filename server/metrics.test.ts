/** What an operator can see, and who may. */
import { networkInterfaces } from "node:os";

import { expect, test } from "vitest";

import { openAiText } from "./testing/replay-provider.ts";
import { eventually, postChat, readAll, userSays } from "./testing/stream-client.ts";
import { startTestGateway, startWithProvider } from "./testing/test-gateway.ts";

const read = (url: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`${url}/metrics`, { headers });

test("runs, tokens, first tokens, resumes, errors and stops are counted, and nothing of the people", async () => {
  const { gateway, provider } = await startWithProvider();
  provider.reply(
    { slices: openAiText(["a", "b", "c"]), delayMs: 3 },
    { status: 401, slices: [] },
    { slices: openAiText(["x"]).slice(0, 2), ending: "hang" },
  );
  const first = await postChat(gateway.url, userSays("my-private-question"));
  const id = first.headers.get("x-stream-id");
  await readAll(first);
  await readAll(await fetch(`${gateway.url}/api/chat/stream/${id}?lastSeq=2`));
  await readAll(await postChat(gateway.url, userSays("fails")));
  const third = await postChat(gateway.url, userSays("stopped"));
  const while3 = await (await read(gateway.url)).text();
  expect(while3).toMatch(/^chanl_runs 1$/m);
  expect(while3).toMatch(/^chanl_readers 1$/m);
  await fetch(`${gateway.url}/api/chat/stream/${third.headers.get("x-stream-id")}/cancel`, { method: "POST" });
  await readAll(third);
  await fetch(`${gateway.url}/api/chat/stream/${"0".repeat(32)}`);
  const response = await read(gateway.url);
  expect(response.headers.get("content-type")).toContain("text/plain");
  const text = await response.text();
  for (const line of [
    'chanl_runs_ended_total{model="openai/test-model",outcome="done"} 1',
    'chanl_runs_ended_total{model="openai/test-model",outcome="error"} 1',
    'chanl_runs_ended_total{model="openai/test-model",outcome="cancelled_user"} 1',
    'chanl_errors_total{code="provider_auth"} 1',
    'chanl_errors_total{code="not_found"} 1',
    'chanl_resumes_total{transport="sse"} 1',
    'chanl_tokens_total{model="openai/test-model"} 4',
    'chanl_time_to_first_token_seconds_count{model="openai/test-model"} 2',
    "chanl_runs 0",
    "chanl_readers 0",
  ])
    expect(text.split("\n")).toContain(line);
  expect(text).toContain("nodejs_eventloop_lag_seconds");
  expect(text).not.toContain("my-private-question");
  expect(text).not.toContain(id);
});

test("a reader that does not read is counted as a stall", { timeout: 15_000 }, async () => {
  const { gateway, provider } = await startWithProvider({ stallMs: 100, maxAnswerChars: 100_000_000 });
  const piece = openAiText(["x".repeat(8000)])[1] ?? "";
  provider.reply({ slices: Array.from({ length: 2000 }, () => piece), ending: "hang" });
  // Its body is not read before the end of the test.
  const response = await postChat(gateway.url, userSays("hi"));
  await eventually(
    async () => (await (await read(gateway.url)).text()).includes('chanl_stalls_total{transport="sse"} 1'),
    "the stall",
    8000,
  );
  await response.body?.cancel().catch(() => undefined);
});

test("it is for this machine and for whoever has the key; a proxy of this machine does not make others local", async () => {
  const gateway = await startTestGateway({ adminKey: "key-of-the-operator", host: "0.0.0.0", allowAnonymous: true });
  const { port } = new URL(gateway.url);
  const local = `http://127.0.0.1:${port}`;
  expect((await read(local)).status).toBe(200);
  expect((await read(local, { "X-Forwarded-For": "203.0.113.9" })).status).toBe(401);
  expect((await read(local, { "X-Forwarded-For": "203.0.113.9", Authorization: "Bearer key-of-the-operator" })).status).toBe(200);
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.internal)?.address;
  if (outside) {
    expect((await read(`http://${outside}:${port}`)).status).toBe(401);
    expect((await read(`http://${outside}:${port}`, { Authorization: "Bearer key-of-the-operator" })).status).toBe(200);
  }
});

test("without a key it does not exist for others; it can be opened and switched off", async () => {
  const proxied = { "X-Forwarded-For": "203.0.113.9" };
  expect((await read((await startTestGateway()).url, proxied)).status).toBe(404);
  expect((await read((await startTestGateway({ metrics: "open" })).url, proxied)).status).toBe(200);
  expect((await read((await startTestGateway({ metrics: "off" })).url)).status).toBe(404);
});

test("every answer has a request id; one given in front is kept if it is one", async () => {
  const gateway = await startTestGateway();
  const idOf = async (given?: string): Promise<string | null> =>
    (await fetch(`${gateway.url}/healthz`, { headers: given === undefined ? {} : { "X-Request-Id": given } })).headers.get("x-request-id");
  expect(await idOf()).toMatch(/^[\w-]{12}$/);
  expect(await idOf()).not.toBe(await idOf());
  expect(await idOf("edge-7:42")).toBe("edge-7:42");
  expect(await idOf('forged" "line')).toMatch(/^[\w-]{12}$/);
});
