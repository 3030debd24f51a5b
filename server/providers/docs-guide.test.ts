import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { StreamEvent } from "../../shared/protocol/chunk.ts";
import { eventually, postChat, readAll, readUntil, textOf, userSays } from "../testing/stream-client.ts";
import { startTestGateway } from "../testing/test-gateway.ts";

const typesOf = (events: StreamEvent[]): string[] =>
  events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);

test("the widget question is answered with the script tag in a code block, a visible search and sources", async () => {
  const gateway = await startTestGateway();
  const events = await readAll(await postChat(gateway.url, userSays("How do I embed the widget?")));
  expect(typesOf(events)).toEqual(["start", "tool_call_delta", "tool_call", "step", "tool_result", "source", "token", "step", "done"]);
  expect(events[0]).toMatchObject({ model: "docs-guide", agentId: "docs" });
  const fragments = events.filter((event) => event.type === "tool_call_delta");
  expect(fragments.length).toBeGreaterThan(5);
  expect(fragments.map((event) => event.arguments).join("")).toBe('{"query":"How do I embed the widget?","limit":5}');
  expect(events.find((event) => event.type === "tool_call")).toMatchObject({
    name: "search_docs",
    runsOn: "server",
    arguments: { limit: 5 },
  });
  const result = events.find((event) => event.type === "tool_result");
  expect(result?.result).toMatchObject({
    hits: expect.arrayContaining([
      { id: "1", title: "Embed the widget", heading: "How to embed the widget in a page", score: expect.any(Number) as number },
    ]) as unknown,
  });
  expect(JSON.stringify(result?.result).length).toBeLessThan(1500);
  const sources = events.filter((event) => event.type === "source");
  expect(sources[0]).toMatchObject({
    id: "1",
    title: expect.stringContaining("Embed the widget") as string,
    url: `${gateway.url}/docs/embed.md#how-to-embed-the-widget-in-a-page`,
  });
  expect(sources[0]?.snippet).not.toMatch(/[`#|]/);
  const answer = textOf(events);
  expect(answer).toContain('```html\n<script type="module" src="https://chat.example.com/chanl-chat.js"></script>\n<chanl-chat');
  expect(answer).toContain("[1]");
  expect(answer).toContain("**See also**");
  expect(events.at(-1)).toMatchObject({ type: "done", reason: "stop", metrics: { estimated: true } });
  // What a citation links to can be opened.
  const page = await fetch(sources[0]?.url ?? "");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
});

test.each([
  ["How does an answer survive a lost connection?", "protocol.md#resume"],
  ["How does a dropped stream resume?", "protocol.md#resume"],
  ["How do I add a tool?", "tools.md#add-a-tool"],
  ["Which models can I use?", "providers.md#which-models-can-i-use"],
  ["Should I use SSE or WebSocket?", "sse-or-websocket.md#should-i-use-sse-or-websocket"],
  ["can I run it with ollama", "providers.md#use-ollama"],
  ["nginx config", "deploy.md#nginx"],
  ["What timeouts matter with Cloudflare?", "deploy.md#timeouts"],
  ["react hook", "react.md#use-the-react-hook"],
  ["How do I install the chrome extension?", "extension.md#install-the-extension"],
  ["environment variables", "server.md#environment-variables"],
  ["what events does the widget fire", "embed.md#events"],
  ["how do I change the theme", "embed.md#change-the-theme"],
  ["CORS error 403 forbidden origin", "server.md#allow-a-site"],
  ["how do I stop an answer", "protocol.md#stop-and-cancel"],
  ["what is docs-guide", "providers.md#docs-guide"],
  ["create an agent with the admin key", "server.md#create-an-agent"],
  ["mcp servers", "mcp.md"],
  ["how do I approve a tool call", "approvals.md"],
  ["how do visitors get a session token", "security.md#sessions"],
  ["rate limits", "security.md#rate-limits"],
  ["csp trusted types", "embed.md#content-security-policy"],
])("%s is answered from %s", async (question, location) => {
  const gateway = await startTestGateway();
  const events = await readAll(await postChat(gateway.url, userSays(question)));
  const found = events.filter((event) => event.type === "source").map((event) => event.url ?? "");
  expect(found[0], found.join("\n")).toContain(location);
});

test.each(["What is the capital of France?", "bake sourdough bread", "Who won the 1998 football championship?", "qwertyuiop asdfgh"])(
  "%s finds nothing, says so, and names the nearest headings",
  async (question) => {
    const gateway = await startTestGateway();
    const events = await readAll(await postChat(gateway.url, userSays(question)));
    expect(textOf(events)).toContain(`I found nothing about “${question}” in these docs`);
    expect(textOf(events)).toContain("nearest headings");
    expect(events.filter((event) => event.type === "source")).toHaveLength(0);
    expect(events.find((event) => event.type === "tool_result")?.result).toEqual({ hits: [] });
    expect(events.at(-1)).toMatchObject({ type: "done", reason: "stop" });
  },
);

test.each(["hi", "Hello!", "Hey there", "who are you?", "thanks", "what can you do?"])(
  "%s gets what it is and three questions, without a search",
  async (greeting) => {
    const gateway = await startTestGateway();
    const events = await readAll(await postChat(gateway.url, userSays(greeting)));
    expect(typesOf(events)).toEqual(["start", "token", "done"]);
    expect(textOf(events)).toContain("no language model");
    expect(textOf(events).match(/^- /gm)).toHaveLength(3);
  },
);

test("a follow-up is searched together with the question before it", async () => {
  const gateway = await startTestGateway();
  const messages = [
    { role: "user", content: "How do I add a tool that runs in the page?" },
    { role: "assistant", content: "…" },
    { role: "user", content: "and at the server?" },
  ];
  const events = await readAll(await postChat(gateway.url, { agentId: "docs", messages }));
  expect(events.find((event) => event.type === "source")?.url).toContain("tools.md#add-a-tool");
});

test("a folder of one's own is what it answers from, with links to where its pages are published", async () => {
  const folder = await mkdtemp(join(tmpdir(), "docs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, "returns.md"),
    "---\ntitle: x\n---\n# Returns\n\nSend it back within 60 days.\n\n## Refunds\n\nThe [refund](money.md#when) takes three days.\n\n```\n# no heading\n[no](link.md)\n```\n",
  );
  const gateway = await startTestGateway({ docsDir: folder, docsUrl: "https://shop.example.com/help" });
  const events = await readAll(await postChat(gateway.url, userSays("when do I get my refund?")));
  expect(events.find((event) => event.type === "source")).toMatchObject({
    title: "Returns: Refunds",
    url: "https://shop.example.com/help/returns.md#refunds",
  });
  expect(textOf(events)).toContain("The [refund](https://shop.example.com/help/money.md#when) takes three days.");
  expect(textOf(events)).toContain("# no heading\n[no](link.md)");
  expect(textOf(await readAll(await postChat(gateway.url, userSays("hi"))))).toContain("- Returns");
});

test("it streams at its pace, and Stop ends it between two fragments and between two tokens", async () => {
  const gateway = await startTestGateway({ docsGuideTokensPerSecond: 100, docsGuideFragmentMs: 15 });
  const stopAt = async (type: StreamEvent["type"]): Promise<StreamEvent[]> => {
    const response = await postChat(gateway.url, userSays("How do I embed the widget?"));
    const id = response.headers.get("x-stream-id");
    await readUntil(response, (events) => events.filter((event) => event.type === type).length >= 3);
    await fetch(`${gateway.url}/api/chat/stream/${id}/cancel`, { method: "POST" });
    return readAll(await fetch(`${gateway.url}/api/chat/stream/${id}`));
  };
  expect((await stopAt("tool_call_delta")).at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
  const events = await stopAt("token");
  expect(events.at(-1)).toMatchObject({ type: "cancelled", metrics: { estimated: true } });
  await eventually(() => gateway.gateway.runs.running === 0, "nothing runs");
});
