/** The tag as each framework's compiler sees it. What is checked here is checked by the type checker: a line that must not compile says so. */
import { renderToStaticMarkup } from "react-dom/server";
import type { SvelteHTMLElements } from "svelte/elements";
import { expect, test } from "vitest";
import type { GlobalComponents } from "vue";

import "./jsx.ts";
import "./svelte.ts";
import "./vue.ts";

test("in JSX, attributes, properties and events have their types", () => {
  const tag = (
    <chanl-chat
      endpoint="/api/chat"
      agent-id="docs"
      mode="floating"
      starters={["Hi"]}
      className="chat"
      onchanl-message={({ detail }) => void detail.messageId.length}
    >
      <span slot="footer">Below</span>
    </chanl-chat>
  );
  // @ts-expect-error There is no such mode.
  void (<chanl-chat mode="flaoting" />);
  // @ts-expect-error Its detail has no such field.
  void (<chanl-chat onchanl-message={({ detail }) => void detail.nothing} />);
  expect(renderToStaticMarkup(tag)).toContain('<chanl-chat endpoint="/api/chat" agent-id="docs" mode="floating"');
});

test("in Vue, so do they", () => {
  type Props = InstanceType<GlobalComponents["chanl-chat"]>["$props"];
  const props: Props = {
    endpoint: "/api/chat",
    "agent-id": "docs",
    starters: ["Hi"],
    class: "chat",
    onChanlMessage: ({ detail }) => void detail.messageId.length,
  };
  // @ts-expect-error There is no such mode.
  const wrong: Props = { mode: "flaoting" };
  expect([props["agent-id"], wrong.mode]).toEqual(["docs", "flaoting"]);
});

test("in Svelte, so do they", () => {
  type Props = SvelteHTMLElements["chanl-chat"];
  const props: Props = {
    endpoint: "/api/chat",
    "agent-id": "docs",
    starters: ["Hi"],
    class: "chat",
    "onchanl-message": ({ detail }) => void detail.messageId.length,
  };
  // @ts-expect-error There is no such mode.
  const wrong: Props = { mode: "flaoting" };
  expect([props["agent-id"], wrong.mode]).toEqual(["docs", "flaoting"]);
});

test("in plain TypeScript, the element is known by its name", () => {
  const typed = (chat: HTMLElementTagNameMap["chanl-chat"]): string => chat.agentId;
  expect(typed({ agentId: "docs" } as HTMLElementTagNameMap["chanl-chat"])).toBe("docs");
});
