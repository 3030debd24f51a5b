import axe from "axe-core";
import { afterEach, expect, it } from "vitest";

import "./define.ts";
import { mount, settle, unmountAll, wait, type Mounted } from "./testing/mount.ts";

afterEach(unmountAll);

const MARKDOWN =
  "# Title\n\nA [link](https://example.com) and `code`.\n\n```ts\nconst a = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n";

const STATES: Record<string, (mounted: Mounted) => void> = {
  idle: () => undefined,
  streaming: ({ chat, transport }) => {
    void chat.send("Hi");
    transport.last
      .start()
      .push({ type: "reasoning", content: "Let me see." })
      .push({ type: "tool_call", index: 1, id: "b", name: "build", arguments: {}, runsOn: "server" })
      .push({ type: "tool_progress", id: "b", progress: 1, total: 4, message: "Part 1 of 4" })
      .push({ type: "tool_call_delta", index: 0, id: "c", name: "search_docs", arguments: '{"query":"em' })
      .text(MARKDOWN);
  },
  complete: ({ chat, transport }) => {
    void chat.send("Hi");
    transport.last
      .start()
      .push({ type: "tool_call", index: 0, id: "c", name: "search_docs", arguments: { query: "embed" }, runsOn: "server" })
      .push({ type: "tool_result", id: "c", name: "search_docs", error: "Nothing found.", ms: 12 })
      .text(MARKDOWN)
      .push({ type: "source", id: "1", title: "Embedding", url: "https://example.com/embed" })
      .done();
  },
  error: ({ chat, transport }) => {
    void chat.send("Hi");
    transport.last.start().push({ type: "error", code: "internal", message: "x", retryable: true });
  },
  interrupted: ({ chat, transport }) => {
    void chat.send("Hi");
    transport.last.start().text("Half an ans").cut();
  },
};

for (const theme of ["light", "dark"] as const) {
  for (const [name, enter] of Object.entries(STATES)) {
    it(`has no violations: ${name}, ${theme}`, async () => {
      const ground = document.createElement("main");
      document.body.append(ground);
      const mounted = await mount({ theme, showMetrics: true, starters: ["One?", "Two?"], greeting: "Hello" });
      ground.append(mounted.chat);
      enter(mounted);
      await settle(mounted.chat);
      await wait(300);
      const { violations } = await axe.run(ground, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        // Of the page the element stands in, not of the element.
        rules: { "heading-order": { enabled: false }, "page-has-heading-one": { enabled: false }, region: { enabled: false } },
      });
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    });
  }
}
