import { afterEach, describe, expect, it, vi } from "vitest";

import { ChatSession } from "../shared/session/chat-session.ts";
import "./define.ts";
import { frame, mount, type Mounted, press, settle, texts, type, unmountAll, wait } from "./testing/mount.ts";
import { ScriptedTransport } from "./testing/scripted-transport.ts";

afterEach(unmountAll);

/** "Two" was written while the answer to "One" is on its way. */
async function mountWaiting(): Promise<Mounted> {
  const mounted = await mount();
  const { chat, input, transport } = mounted;
  void chat.send("One");
  transport.last.start().text("Answer");
  await settle(chat);
  type(input, "Two");
  press(input, "Enter");
  await chat.updateComplete;
  return mounted;
}

describe("an answer", () => {
  it("shows the message before anything is answered", async () => {
    const { chat, root, input, transport } = await mount();
    type(input, "How do I embed it?");
    press(input, "Enter");
    await chat.updateComplete;
    expect(texts(root, ".bub")).toEqual(["How do I embed it?"]);
    expect(input.value).toBe("");
    expect(root.querySelector(".pending")).not.toBeNull();
    expect(transport.runs).toHaveLength(1);
    expect(root.querySelector('[aria-busy="true"][role="article"]')).not.toBeNull();
  });

  it("streams text into one host and ends", async () => {
    const { chat, root, session, transport } = await mount({ showMetrics: true });
    const sent = chat.send("Hi");
    transport.last.start().text("Hello ", "**world**", ".\n\nSecond.");
    await settle(chat);
    expect(texts(root, ".md > p, .md > div > p")).toEqual(["Hello world.", "Second."]);
    const first = root.querySelector(".md p");
    transport.last.text(" More.").done();
    const answer = await sent;
    await settle(chat);
    expect(answer?.status).toBe("complete");
    expect(root.querySelector(".md p")).toBe(first);
    expect(texts(root, ".md p")).toEqual(["Hello world.", "Second. More."]);
    expect(root.querySelector(".caret")).toBeNull();
    expect(root.querySelector('[part="metrics"]')).not.toBeNull();
    expect(session.getSnapshot().isStreaming).toBe(false);
  });

  it("renders at most once per frame and re-creates nothing finished while 2,000 tokens arrive", async () => {
    const { chat, root, transport } = await mount();
    const sent = chat.send("Tell me everything");
    transport.last.start().text("First paragraph.\n\n", "Second ");
    await settle(chat);
    const host = root.querySelector(".md")!;
    const settled = root.querySelector(".md p")!;
    const update = vi.spyOn(chat as unknown as { update(changed: unknown): void }, "update");
    let frames = 0;
    let counting = true;
    let writes = 0;
    let mostWrites = 0;
    const observer = new MutationObserver(() => (writes += 1));
    observer.observe(host, { subtree: true, childList: true, characterData: true });
    const count = (): void => {
      frames += 1;
      mostWrites = Math.max(mostWrites, writes);
      writes = 0;
      if (counting) requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
    for (let i = 0; i < 2_000; i += 1) {
      transport.last.text(`word${i} `);
      if (i % 40 === 0) await wait(0);
    }
    await settle(chat);
    counting = false;
    observer.disconnect();
    expect(frames).toBeGreaterThan(5);
    expect(mostWrites).toBe(1);
    expect(update.mock.calls.length).toBeLessThanOrEqual(3);
    expect(root.querySelector(".md")).toBe(host);
    expect(root.querySelector(".md p")).toBe(settled);
    transport.last.done();
    await sent;
    await settle(chat);
    expect(root.querySelector(".md")).toBe(host);
    expect(root.querySelector(".md p")).toBe(settled);
    expect(host.textContent).toContain("word1999");
  });

  it("rebuilds the text when a snapshot replaces the message", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Hi");
    transport.last.start().text("Wrong start ");
    await settle(chat);
    transport.last.push({ type: "snapshot", message: { messageId: "m", chunks: [{ type: "token", content: "Right text" }] } });
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Right text"]);
    transport.last.text(", continued.");
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Right text, continued."]);
  });

  it("keeps text around a source in one piece and links sources safely", async () => {
    const { chat, root, transport } = await mount();
    const sent = chat.send("Hi");
    transport.last
      .start()
      .text("One **bo")
      .push({ type: "source", id: "1", title: "Good", url: "https://example.com/a" })
      .text("ld** two.")
      .push({ type: "source", id: "2", title: "<img src=x onerror=alert(1)>", url: "javascript:alert(1)" })
      .done();
    await sent;
    await settle(chat);
    expect(root.querySelectorAll(".md")).toHaveLength(1);
    expect(texts(root, ".md strong")).toEqual(["bold"]);
    const links = [...root.querySelectorAll<HTMLAnchorElement>(".src a")];
    expect(links.map((link) => link.href)).toEqual(["https://example.com/a"]);
    expect(links[0]?.rel).toContain("noopener");
    expect(root.querySelector(".src img")).toBeNull();
    expect(root.querySelector('[part="sources"]')?.textContent).toContain("<img src=x onerror=alert(1)>");
  });

  it("shows thinking while it runs and folds it away after", async () => {
    const { chat, root, transport } = await mount();
    const sent = chat.send("Hi");
    transport.last.start().push({ type: "reasoning", content: "Let me see. " });
    await settle(chat);
    const toggle = root.querySelector<HTMLButtonElement>(".think > button")!;
    expect(toggle.getAttribute("aria-expanded")).toBe("true");
    expect(texts(root, ".pre-in")).toEqual(["Let me see."]);
    transport.last.push({ type: "reasoning", content: "Aha." }).text("Yes.").done();
    await sent;
    await settle(chat);
    expect(toggle.getAttribute("aria-expanded")).toBe("false");
    toggle.click();
    await chat.updateComplete;
    expect(toggle.getAttribute("aria-expanded")).toBe("true");
    expect(texts(root, ".pre-in")).toEqual(["Let me see. Aha."]);
  });
});

describe("a tool call", () => {
  it("shows its input growing, then its result", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Find it");
    transport.last.start().push({ type: "tool_call_delta", index: 0, id: "c1", name: "search_docs", arguments: '{"query":"em' });
    await settle(chat);
    expect(texts(root, ".tool .nm")).toEqual(["Search docs"]);
    expect(texts(root, ".tool .stt")).toEqual(["Writing input"]);
    const pre = root.querySelector(".tool pre")!;
    expect(pre.textContent).toBe('{ "query": "em');
    expect(pre.querySelector(".caret")).not.toBeNull();
    transport.last.push({ type: "tool_call_delta", index: 0, arguments: 'bed"}' });
    await settle(chat);
    expect(root.querySelector(".tool pre")).toBe(pre);
    expect(pre.textContent).toBe('{ "query": "embed" }');
    transport.last.push({ type: "tool_call", index: 0, id: "c1", name: "search_docs", arguments: { query: "embed" }, runsOn: "server" });
    await settle(chat);
    expect(root.querySelector('[part="tool tool-running"] .spin')).not.toBeNull();
    transport.last.push({ type: "tool_result", id: "c1", name: "search_docs", result: { hits: 3 }, ms: 412 });
    await settle(chat);
    expect(texts(root, ".tool .stt")).toEqual(["0.4 s"]);
    expect(texts(root, ".tool .sum")).toEqual(["“embed”"]);
    const row = root.querySelector<HTMLButtonElement>(".tool .th")!;
    expect(row.getAttribute("aria-expanded")).toBe("false");
    row.click();
    await chat.updateComplete;
    expect(texts(root, ".tool pre")).toEqual(['{ "query": "embed" }', '{ "hits": 3 }']);
  });

  it("shows how far it is, in a bar and in the tool's words, without a word to a screen reader at each step", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Build it");
    const progress = (more: object): void => void transport.last.push({ type: "tool_progress", id: "c1", progress: 1, ...more });
    transport.last.start().push({ type: "tool_call", index: 0, id: "c1", name: "build", arguments: {}, runsOn: "server" });
    progress({});
    await settle(chat);
    expect(root.querySelector(".tool .pg")).toBeNull();
    progress({ message: "reading" });
    await settle(chat);
    expect(texts(root, ".tool .pg")).toEqual(["reading"]);
    expect(root.querySelector("progress")).toBeNull();
    progress({ total: 4, message: "part 1" });
    await settle(chat);
    const bar = root.querySelector("progress")!;
    expect([bar.value, bar.max, bar.getAttribute("aria-label")]).toEqual([1, 4, "Running"]);
    const said = texts(root, "[data-announcer]");
    progress({ progress: 9, total: 4, message: "<b>part</b> 9" });
    await settle(chat);
    expect(root.querySelector("progress")).toBe(bar);
    expect([bar.value, texts(root, ".tool .pg")]).toEqual([4, ["<b>part</b> 9"]]);
    expect(texts(root, "[data-announcer]")).toEqual(said);
    transport.last.push({ type: "tool_result", id: "c1", name: "build", error: "The disk is full.", ms: 5 });
    await settle(chat);
    expect(root.querySelector(".pg")).toBeNull();
    expect(texts(root, ".tool .why")).toEqual(["The disk is full."]);
  });

  it("says how each of the others ended", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Find it");
    const call = (id: string): void =>
      void transport.last.push({
        type: "tool_call",
        index: 0,
        id,
        name: id,
        arguments: {},
        runsOn: "server",
        ...(id === "ask" ? { needsApproval: true } : {}),
      });
    transport.last.start();
    call("fail");
    transport.last.push({ type: "tool_result", id: "fail", name: "fail", error: "No answer within 10 s.", ms: 1 });
    call("ask");
    await settle(chat);
    expect(texts(root, ".tool .stt")).toEqual(["Failed", "Needs your OK"]);
    expect(texts(root, ".tool .why")).toEqual(["No answer within 10 s.", "The assistant wants to do this. It waits for you."]);
    await chat.stop();
    await settle(chat);
    expect(texts(root, ".tool .stt")).toEqual(["Failed", "Cancelled"]);
  });
});

describe("stopping and failing", () => {
  it("stops with the same button that sends, but not within a double click", async () => {
    const { chat, root, input, button, transport } = await mount();
    type(input, "Hi");
    await chat.updateComplete;
    expect(button.getAttribute("aria-label")).toBe("Send message");
    button.click();
    button.click();
    await chat.updateComplete;
    expect(button.getAttribute("aria-label")).toBe("Stop generating");
    expect(root.querySelector(".send")).toBe(button);
    expect(chat.session?.getSnapshot().isStreaming).toBe(true);
    transport.last.start().text("Partial ans");
    await settle(chat);
    await wait(410);
    const stopped = vi.fn();
    chat.addEventListener("chanl-stop", stopped);
    button.click();
    // It does not wait for the gateway to have heard.
    await frame();
    expect(button.getAttribute("aria-label")).toBe("Send message");
    expect(root.querySelector("[aria-busy='true']")).toBeNull();
    await settle(chat);
    expect(stopped).toHaveBeenCalledOnce();
    expect(transport.cancelled).toEqual(["stream-1"]);
    transport.last.text("never shown");
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Partial ans"]);
    expect(texts(root, ".note")).toEqual(["Stopped"]);
    expect(root.querySelector(".send")).toBe(button);
  });

  it("Escape stops", async () => {
    const { chat, input, transport } = await mount();
    void chat.send("Hi");
    transport.last.start().text("Part");
    await settle(chat);
    input.focus();
    press(input, "Escape");
    await settle(chat);
    expect(chat.messages.at(-1)?.status).toBe("stopped");
    expect(chat.shadowRoot!.activeElement).toBe(input);
  });

  it("offers to continue or to retry a cut answer, and continues without redrawing it", async () => {
    const { chat, root, transport } = await mount();
    const errors: string[] = [];
    chat.addEventListener("chanl-error", (event) => errors.push(event.detail.code));
    const sent = chat.send("Hi");
    transport.last.start().text("First.\n\nSecond ");
    await settle(chat);
    const first = root.querySelector(".md p");
    transport.last.cut();
    await sent;
    await settle(chat);
    expect(errors).toEqual(["truncated"]);
    expect(chat.matches(":state(interrupted)")).toBe(true);
    expect(texts(root, ".ban strong")).toEqual(["The connection dropped"]);
    expect(texts(root, ".ban .btn")).toEqual(["Continue answer", "Retry"]);
    root.querySelector<HTMLButtonElement>(".ban .btn")!.click();
    await settle(chat);
    expect(root.querySelector(".ban")).toBeNull();
    expect(root.activeElement).not.toBeNull();
    transport.resumed[0]!.text("half.").done();
    await settle(chat);
    expect(texts(root, ".md p")).toEqual(["First.", "Second half."]);
    expect(root.querySelector(".md p")).toBe(first);
  });

  it("says that something failed, keeps the message and retries", async () => {
    const { chat, root, input, transport } = await mount();
    type(input, "Hi there");
    press(input, "Enter");
    transport.last.push({ type: "error", code: "overloaded", message: "Busy.", retryable: true });
    await settle(chat);
    expect(texts(root, ".ban strong")).toEqual(["Something went wrong"]);
    expect(texts(root, '[data-announcer="assertive"]')).toEqual(["Something went wrong"]);
    expect(input.value).toBe("Hi there");
    root.querySelector<HTMLButtonElement>(".ban .btn")!.click();
    await settle(chat);
    expect(input.value).toBe("");
    expect(transport.runs).toHaveLength(2);
    expect(texts(root, ".bub")).toEqual(["Hi there"]);
  });

  it("says that it reconnects, but only when it takes a while", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Hi");
    transport.last.start().text("Some");
    await settle(chat);
    transport.last.reconnecting(1, 5);
    await settle(chat);
    expect(chat.matches(":state(reconnecting)")).toBe(true);
    expect(root.querySelector(".ban")).toBeNull();
    await wait(1_050);
    transport.last.reconnecting(2, 5);
    await settle(chat);
    expect(texts(root, ".ban .b > span")).toEqual(["Attempt 2 of 5. The answer will continue by itself."]);
    transport.last.connected().text(" more");
    await settle(chat);
    expect(root.querySelector(".ban")).toBeNull();
    expect(texts(root, ".md")).toEqual(["Some more"]);
  });
});

describe("the element", () => {
  it("goes on when it is moved in the document", async () => {
    const { chat, root, transport } = await mount();
    void chat.send("Hi");
    transport.last.start().text("Before ");
    await settle(chat);
    const host = root.querySelector(".md");
    const place = document.createElement("div");
    document.body.append(place);
    place.append(chat);
    transport.last.text("after.");
    await settle(chat);
    expect(root.querySelector(".md")).toBe(host);
    expect(texts(root, ".md")).toEqual(["Before after."]);
    chat.remove();
    await wait(100);
    document.body.append(chat);
    transport.last.text(" Again.").done();
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Before after. Again."]);
  });

  it("may be registered twice", async () => {
    const again = "./define.ts?again";
    await expect(import(/* @vite-ignore */ again)).resolves.toBeDefined();
  });

  it("takes starters from an attribute and sends one", async () => {
    const { chat, root, transport } = await mount();
    chat.setAttribute("starters", "First question? | Second question?");
    await chat.updateComplete;
    expect(texts(root, '[part="starter"]')).toEqual(["First question?", "Second question?"]);
    expect(chat.matches(":state(empty)")).toBe(true);
    root.querySelector<HTMLButtonElement>('[part="starter"]')!.click();
    await chat.updateComplete;
    expect(transport.last.request?.messages.at(-1)?.content).toBe("First question?");
    expect(root.activeElement).not.toBeNull();
  });

  it("tells what happens in events, without the text", async () => {
    const { chat, transport } = await mount();
    const seen: string[] = [];
    for (const name of ["before-send", "send", "stream-start", "tool-call", "tool-result", "metrics", "message"]) {
      chat.addEventListener(`chanl-${name}`, (event) => {
        seen.push(name);
        expect(JSON.stringify((event as CustomEvent).detail)).not.toContain("secret");
        expect([event.bubbles, event.composed]).toEqual([true, true]);
      });
    }
    const sent = chat.send("secret question");
    transport.last
      .start()
      .push(
        { type: "tool_call", index: 0, id: "c", name: "t", arguments: {}, runsOn: "server" },
        { type: "tool_result", id: "c", name: "t", result: 1, ms: 1 },
      )
      .text("secret answer")
      .done();
    await sent;
    await settle(chat);
    expect(seen).toEqual(["before-send", "send", "stream-start", "tool-call", "tool-result", "metrics", "message"]);
  });

  it("keeps a message that a listener held back", async () => {
    const { chat, input, transport } = await mount();
    chat.addEventListener("chanl-before-send", (event) => event.preventDefault());
    type(input, "Not yet");
    press(input, "Enter");
    await chat.updateComplete;
    expect(transport.runs).toHaveLength(0);
    expect(input.value).toBe("Not yet");
  });

  it("asks its endpoint with the headers and the token of the moment", async () => {
    const requests: Request[] = [];
    const chat = document.createElement("chanl-chat");
    chat.endpoint = "/api/chat";
    chat.agentId = "docs";
    chat.storage = "none";
    chat.headers = { "x-site": "one" };
    chat.getToken = () => Promise.resolve("t1");
    chat.fetch = (input, init) => {
      requests.push(new Request(input instanceof Request ? input : new URL(String(input), location.href), init));
      return Promise.resolve(new Response("", { status: 400 }));
    };
    const ready = new Promise<Event>((resolve) => chat.addEventListener("chanl-ready", resolve));
    document.body.append(chat);
    await ready;
    const answer = await chat.send("Hi");
    expect(answer?.status).toBe("error");
    expect(new URL(requests[0]!.url).pathname).toBe("/api/chat/stream");
    expect(requests[0]!.headers.get("authorization")).toBe("Bearer t1");
    expect(requests[0]!.headers.get("x-site")).toBe("one");
  });

  it("keeps its own look on a hostile page, and its text at the size the visitor chose", async () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      "* { all: revert; font-size: 40px !important; letter-spacing: 4px; text-transform: uppercase } html { font-size: 62.5% } button { float: left !important; background: red !important }",
    );
    document.adoptedStyleSheets = [sheet];
    const { root, button } = await mount({ mode: "floating", open: true });
    const style = getComputedStyle(root.querySelector("#title")!);
    expect([style.fontSize, style.letterSpacing, style.textTransform]).toEqual(["15px", "-0.09px", "none"]);
    expect(getComputedStyle(button).float).toBe("none");
    document.adoptedStyleSheets = [];
  });

  it("stores nothing before the first message, and comes back to the conversation after it", async () => {
    const open = async (): Promise<HTMLElementTagNameMap["chanl-chat"]> => {
      const chat = document.createElement("chanl-chat");
      Object.assign(chat, { endpoint: "/nowhere", agentId: "docs", fetch: () => Promise.resolve(new Response("", { status: 400 })) });
      const ready = new Promise((resolve) => chat.addEventListener("chanl-ready", resolve));
      document.body.append(chat);
      await ready;
      return chat;
    };
    sessionStorage.clear();
    const first = await open();
    await wait(300);
    expect(sessionStorage.length).toBe(0);
    await first.send("Remember me");
    dispatchEvent(new Event("pagehide"));
    first.remove();
    const second = await open();
    await second.updateComplete;
    expect(second.messages[0]?.parts).toEqual([{ type: "text", text: "Remember me" }]);
    second.newConversation();
    expect(second.messages).toEqual([]);
    expect(Object.keys(sessionStorage).filter((key) => !key.includes("draft"))).toEqual([]);
    sessionStorage.clear();
  });

  it("comes back to words that were written and not sent, in a conversation that had not begun", async () => {
    const open = async (): Promise<{ chat: HTMLElementTagNameMap["chanl-chat"]; input: HTMLTextAreaElement }> => {
      const chat = document.createElement("chanl-chat");
      Object.assign(chat, { endpoint: "/nowhere", agentId: "docs" });
      document.body.append(chat);
      await chat.updateComplete;
      return { chat, input: chat.shadowRoot!.querySelector("textarea")! };
    };
    sessionStorage.clear();
    const first = await open();
    first.input.value = "Half a thou";
    first.input.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    dispatchEvent(new Event("pagehide"));
    first.chat.remove();
    const second = await open();
    expect(second.input.value).toBe("Half a thou");
    second.chat.clear();
    dispatchEvent(new Event("pagehide"));
    expect(Object.keys(sessionStorage)).toEqual([]);
    second.chat.remove();
  });

  it("keeps and sends what was typed before it was given a session", async () => {
    const chat = document.createElement("chanl-chat");
    chat.storage = "none";
    const errors: string[] = [];
    chat.addEventListener("chanl-error", ({ detail }) => errors.push(detail.message));
    document.body.append(chat);
    await chat.preload();
    const input = chat.shadowRoot!.querySelector("textarea")!;
    input.value = "Too early";
    input.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    await wait(20);
    expect(errors).toEqual(["<chanl-chat> has neither an endpoint nor a session."]);
    expect(input.value).toBe("Too early");
    const transport = new ScriptedTransport();
    chat.session = new ChatSession({ transport, agentId: "test" });
    await vi.waitFor(() => expect(chat.messages[0]?.parts).toEqual([{ type: "text", text: "Too early" }]));
    expect(input.value).toBe("");
    input.value = "Not sent";
    input.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    chat.session = new ChatSession({ transport: new ScriptedTransport(), agentId: "test" });
    await settle(chat);
    expect(input.value).toBe("");
    expect(chat.messages).toEqual([]);
    chat.remove();
  });

  it("has no style attribute and no inline handler in its shadow root", async () => {
    const { chat, root, transport } = await mount({ mode: "floating", open: true, accent: "#ffcc00" });
    void chat.send("Hi");
    transport.last.start().text("Some `code` and a list\n\n- one\n- two\n\n```js\nx()\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
    await settle(chat);
    for (const element of root.querySelectorAll("*")) {
      for (const { name } of element.attributes)
        expect(name === "style" || name.startsWith("on"), `${element.tagName} ${name}`).toBe(false);
    }
    expect(root.querySelector("style")).toBeNull();
  });

  it("makes an accent readable", async () => {
    const { chat, button } = await mount({ accent: "#ffee00", theme: "light" });
    type(chat.shadowRoot!.querySelector("textarea")!, "x");
    await chat.updateComplete;
    await wait(250);
    const { color } = getComputedStyle(button);
    expect(color).toBe("rgb(0, 0, 0)");
  });

  it("sends the waiting message when the answer ends", async () => {
    const { chat, root, transport } = await mountWaiting();
    expect(texts(root, ".queued p")).toEqual(["Sends after this answer Two"]);
    expect(transport.runs).toHaveLength(1);
    transport.last.done();
    await settle(chat);
    await settle(chat);
    expect(transport.runs).toHaveLength(2);
    expect(texts(root, ".bub")).toEqual(["One", "Two"]);
    expect(root.querySelector(".queued")).toBeNull();
  });

  it("gives the waiting message back when the answer fails, and leaves the focus on the page where it is", async () => {
    const field = document.body.appendChild(document.createElement("input"));
    const { chat, root, input, transport } = await mountWaiting();
    type(input, "Three");
    field.focus();
    transport.last.push({ type: "error", code: "internal", message: "x", retryable: true });
    await settle(chat);
    expect(input.value).toBe("Two\nThree");
    expect(root.querySelector(".queued")).toBeNull();
    expect(document.activeElement).toBe(field);
    field.remove();
  });

  it("gives the waiting message back when the page does not let it out", async () => {
    const { chat, root, input, transport } = await mountWaiting();
    chat.addEventListener("chanl-before-send", (event) => event.preventDefault());
    transport.last.done();
    await settle(chat);
    expect(transport.runs).toHaveLength(1);
    expect(root.querySelector(".queued")).toBeNull();
    expect(input.value).toBe("Two");
  });

  it("moves the focus from a waiting message that is sent to the composer", async () => {
    const { chat, root, input, transport } = await mountWaiting();
    root.querySelector<HTMLElement>(".queued button")!.focus();
    transport.last.done();
    await settle(chat);
    expect(root.activeElement).toBe(input);
  });

  it("begins anew for the page without taking its focus, and keeps a focus that is in the chat there", async () => {
    const field = document.body.appendChild(document.createElement("input"));
    const { chat, root, input } = await mountWaiting();
    field.focus();
    chat.newConversation();
    await settle(chat);
    expect([document.activeElement, chat.messages.length, root.querySelector(".queued")]).toEqual([field, 0, null]);
    void chat.send("Three");
    await settle(chat);
    root.querySelector<HTMLElement>('[role="article"]')!.focus();
    chat.clear();
    await settle(chat);
    expect(root.activeElement).toBe(input);
    field.remove();
  });

  it("plays a whole script", async () => {
    const transport = new ScriptedTransport(function* () {
      yield { type: "start", streamId: "s", messageId: "s", agentId: "a", model: "m", v: 1 };
      yield { type: "token", content: "Done." };
      yield { type: "done", reason: "stop" };
    });
    const { chat, root } = await mount({}, transport);
    await chat.send("Hi");
    await settle(chat);
    await frame();
    expect(texts(root, ".md")).toEqual(["Done."]);
  });
});
