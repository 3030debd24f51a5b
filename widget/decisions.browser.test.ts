/** What a visitor does with an answer: decides on its calls, asks anew, rates, hears it; and what waits for the network or the clock. */
import { afterEach, describe, expect, it, vi } from "vitest";

import "./define.ts";
import type { StreamChunk } from "../shared/protocol/chunk.ts";
import { mount, press, settle, texts, type, unmountAll, wait, type Mounted } from "./testing/mount.ts";

afterEach(() => {
  unmountAll();
  vi.restoreAllMocks();
});

const button = (root: ShadowRoot, name: string): HTMLButtonElement =>
  [...root.querySelectorAll("button")].find((each) => (each.getAttribute("aria-label") ?? each.textContent ?? "").trim() === name)!;

async function answered(mounted: Mounted, question: string, answer: string): Promise<void> {
  const sent = mounted.chat.send(question);
  mounted.transport.last.start().text(answer).done();
  await sent;
  await settle(mounted.chat);
}

describe("a tool call that needs approval", () => {
  const refund: StreamChunk = {
    type: "tool_call",
    index: 0,
    id: "t",
    name: "refund_order",
    arguments: { order: 7, amount: 89 },
    runsOn: "server",
    needsApproval: true,
  };

  async function asking(): Promise<Mounted> {
    const mounted = await mount();
    void mounted.chat.send("Refund it");
    mounted.transport.last.start().push(refund);
    await settle(mounted.chat);
    return mounted;
  }

  it("shows what it would do and waits, announced, without taking the focus", async () => {
    const mounted = await asking();
    const { root, chat } = mounted;
    expect(chat.state).toBe("awaiting-approval");
    expect(chat.matches(":state(awaiting-approval)")).toBe(true);
    expect(texts(root, ".tool pre")).toEqual(['{ "order": 7, "amount": 89 }']);
    expect(texts(root, ".tool .acts .btn")).toEqual(["Allow once", "Don’t allow", "Change the input"]);
    expect(texts(root, '[data-announcer="assertive"]')).toEqual(["Tool call: Refund order. Needs your OK"]);
    expect(root.activeElement?.closest(".tool") ?? null).toBeNull();
  });

  it("runs when allowed; the focus goes to the composer", async () => {
    const { root, chat, transport, input } = await asking();
    const decided = vi.fn();
    chat.addEventListener("chanl-approval", (event) => decided(event.detail));
    button(root, "Allow once").focus();
    button(root, "Allow once").click();
    await settle(chat);
    expect(transport.approvals).toEqual([{ toolCallId: "t", approved: true }]);
    expect(decided).toHaveBeenCalledWith({ toolCallId: "t", approved: true });
    expect(root.querySelector('[part~="tool-running"]')).not.toBeNull();
    expect(root.activeElement).toBe(input);
  });

  it("is not run by Enter in the composer, nor by sending", async () => {
    const { input, transport, chat } = await asking();
    type(input, "yes");
    press(input, "Enter");
    await settle(chat);
    expect(transport.approvals).toEqual([]);
  });

  it("runs with changed input, and refuses what is no JSON", async () => {
    const { root, chat, transport } = await asking();
    button(root, "Change the input").click();
    const field = root.querySelector<HTMLTextAreaElement>("textarea.json")!;
    expect(root.activeElement).toBe(field);
    expect(JSON.parse(field.value)).toEqual({ order: 7, amount: 89 });
    type(field, '{"order": 7, "amount": 2');
    button(root, "Allow once").click();
    await settle(chat);
    expect(transport.approvals).toEqual([]);
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(texts(root, ".bad-input")).toEqual(["This is not valid JSON, so nothing was sent."]);
    type(field, '{"order": 7, "amount": 20}');
    button(root, "Allow once").click();
    await settle(chat);
    expect(transport.approvals).toEqual([{ toolCallId: "t", approved: true, arguments: { order: 7, amount: 20 } }]);
  });

  it("is not allowed, by button or by method, with a reason", async () => {
    const first = await asking();
    button(first.root, "Don’t allow").click();
    await settle(first.chat);
    expect(texts(first.root, ".tool .stt")).toEqual(["Not allowed"]);
    const second = await asking();
    expect(await second.chat.reject("t", "too much")).toBe(true);
    expect(second.transport.approvals).toEqual([{ toolCallId: "t", approved: false, reason: "too much" }]);
  });

  it("is the owner's to decide when the event is cancelled", async () => {
    const { chat, transport, root } = await mount();
    chat.addEventListener("chanl-approval-request", (event) => {
      event.preventDefault();
      void chat.approve(event.detail.toolCallId);
    });
    void chat.send("Refund it");
    transport.last.start().push(refund);
    await settle(chat);
    await settle(chat);
    expect(transport.approvals).toEqual([{ toolCallId: "t", approved: true }]);
    expect(texts(root, '[data-announcer="assertive"]')).toEqual([""]);
  });
});

it("says each of the eight states of a call in words", async () => {
  const { chat, root, transport } = await mount();
  void chat.send("Go");
  const call = (id: string, more: object = {}): StreamChunk => ({
    type: "tool_call",
    index: 0,
    id,
    name: id,
    arguments: {},
    runsOn: "server",
    ...more,
  });
  transport.last
    .start()
    .push(
      call("complete"),
      { type: "tool_result", id: "complete", name: "complete", result: 1, ms: 1_240 },
      call("failed"),
      { type: "tool_result", id: "failed", name: "failed", error: "No.", ms: 1 },
      call("denied", { needsApproval: true }),
      call("ask", { needsApproval: true }),
      call("running"),
      { type: "tool_call_delta", index: 9, id: "writing", name: "writing", arguments: '{"a' },
    );
  await settle(chat);
  await chat.reject("denied");
  await settle(chat);
  const shown = (): string[] => texts(root, ".tool .stt").map((text) => text.replace(/^Running.*/, "Running"));
  expect(shown()).toEqual(["1.2 s", "Failed", "Not allowed", "Needs your OK", "Running", "Writing input"]);
  transport.last.done();
  await settle(chat);
  expect(shown()).toEqual(["1.2 s", "Failed", "Not allowed", "No result", "No result", "No result"]);
  void chat.send("Again");
  transport.last.start().push(call("cancelled"));
  await settle(chat);
  await chat.stop();
  await settle(chat);
  expect(shown().at(-1)).toBe("Cancelled");
});

it("folds three finished calls in a row into one line", async () => {
  const { chat, root, transport } = await mount();
  const sent = chat.send("Go");
  transport.last.start();
  for (const id of ["a", "b", "c", "d"])
    transport.last.push(
      { type: "tool_call", index: 0, id, name: `look_${id}`, arguments: {}, runsOn: "server" },
      { type: "tool_result", id, name: `look_${id}`, result: 1, ms: 525 },
    );
  transport.last.text("Done.").done();
  await sent;
  await settle(chat);
  expect(root.querySelectorAll(".tool")).toHaveLength(0);
  const line = root.querySelector<HTMLButtonElement>('[part="tool-fold"] > button')!;
  expect(line.textContent?.replace(/\s+/g, " ").trim()).toBe("Used 4 tools · 2.1 s");
  line.click();
  await settle(chat);
  expect(texts(root, ".tool .nm")).toEqual(["Look a", "Look b", "Look c", "Look d"]);
});

describe("asking anew", () => {
  it("↑ in the empty composer edits the last message; Escape leaves it, saving asks, versions go back and forth", async () => {
    const mounted = await mount();
    const { chat, root, input, transport } = mounted;
    await answered(mounted, "One?", "Eins");
    input.focus();
    press(input, "ArrowUp");
    await vi.waitUntil(() => root.querySelector(".edit textarea"));
    await settle(chat);
    let field = root.querySelector<HTMLTextAreaElement>(".edit textarea")!;
    expect(field.value).toBe("One?");
    expect(root.activeElement).toBe(field);
    press(field, "Escape");
    await settle(chat);
    expect(texts(root, ".bub")).toEqual(["One?"]);
    expect(root.activeElement).toBe(input);
    button(root, "Edit message").click();
    await settle(chat);
    field = root.querySelector<HTMLTextAreaElement>(".edit textarea")!;
    field.value = "Uno?";
    button(root, "Save and ask").click();
    transport.last.start().text("Uno").done();
    await settle(chat);
    await settle(chat);
    expect(texts(root, ".bub")).toEqual(["Uno?"]);
    expect(texts(root, ".vers .at")).toEqual(["2/2"]);
    button(root, "Previous version").click();
    await settle(chat);
    expect([texts(root, ".bub"), texts(root, ".md")]).toEqual([["One?"], ["Eins"]]);
    expect(button(root, "Previous version").getAttribute("aria-disabled")).toBe("true");
  });

  it("with text in the composer ↑ is the field's own", async () => {
    const mounted = await mount();
    await answered(mounted, "One?", "Eins");
    type(mounted.input, "draft");
    expect(press(mounted.input, "ArrowUp").defaultPrevented).toBe(false);
  });

  it("Regenerate keeps the other answer", async () => {
    const mounted = await mount();
    const { chat, root, transport } = mounted;
    await answered(mounted, "One?", "Eins");
    button(root, "Regenerate answer").click();
    transport.last.start().text("Anders").done();
    await settle(chat);
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Anders"]);
    button(root, "Previous version").click();
    await settle(chat);
    expect(texts(root, ".md")).toEqual(["Eins"]);
  });
});

it("Alt with arrows walks from message to message, from the composer and back", async () => {
  const mounted = await mount();
  const { chat, root, input } = mounted;
  await answered(mounted, "One?", "Eins");
  await answered(mounted, "Two?", "Zwei");
  input.focus();
  const seen: string[] = [];
  const step = async (key: string): Promise<void> => {
    press(root.activeElement as HTMLElement, key, { altKey: true });
    await settle(chat);
    seen.push(root.activeElement!.querySelector(".md, .bub")?.textContent?.trim() ?? "composer");
  };
  for (const key of ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowDown"]) await step(key);
  expect(seen).toEqual(["Zwei", "Two?", "Eins", "Two?", "Zwei", "composer"]);
});

it("rates an answer, tells so, and takes it back", async () => {
  const mounted = await mount({ feedback: true });
  const { chat, root } = mounted;
  const told: unknown[] = [];
  chat.addEventListener("chanl-feedback", ({ detail }) => told.push(detail.rating));
  await answered(mounted, "One?", "Eins");
  button(root, "Good answer").click();
  await settle(chat);
  expect(button(root, "Good answer").getAttribute("aria-pressed")).toBe("true");
  button(root, "Bad answer").click();
  button(root, "Bad answer").click();
  await settle(chat);
  expect(told).toEqual(["good", "bad", null]);
  expect(button(root, "Bad answer").getAttribute("aria-pressed")).toBe("false");
});

it("reads an answer aloud sentence by sentence, and stops", async () => {
  const said: SpeechSynthesisUtterance[] = [];
  vi.spyOn(speechSynthesis, "speak").mockImplementation((utterance) => void said.push(utterance));
  const mounted = await mount({ readAloud: true });
  const { chat, root } = mounted;
  await answered(mounted, "One?", "First **sentence**. Second sentence.");
  button(root, "Read aloud").click();
  await vi.waitUntil(() => said.length > 0);
  await settle(chat);
  expect(said.map(({ text }) => text)).toEqual(["First sentence."]);
  said[0]!.onend?.({} as never);
  expect(said.map(({ text }) => text)).toEqual(["First sentence.", "Second sentence."]);
  button(root, "Stop reading").click();
  await settle(chat);
  expect(button(root, "Read aloud")).toBeDefined();
  expect(said).toHaveLength(2);
});

describe("waiting", () => {
  it("counts down when asked too often, spoken once at the start and once at the end, and lets one type", async () => {
    const { chat, root, transport, input } = await mount();
    void chat.send("Hi");
    transport.last.push({ type: "error", code: "rate_limited", message: "x", retryable: true, retryAfterMs: 1_600 });
    await settle(chat);
    expect(texts(root, ".ban .b > span")).toEqual(["You can ask again in 2 s."]);
    const retry = button(root, "Retry");
    expect(retry.getAttribute("aria-disabled")).toBe("true");
    retry.click();
    expect(transport.runs).toHaveLength(1);
    expect(input.disabled).toBe(false);
    await wait(900);
    expect(texts(root, ".ban .b > span")).toEqual(["You can ask again in 1 s."]);
    await wait(900);
    await settle(chat);
    expect(texts(root, ".ban .b > span")).toEqual(["You can ask again now."]);
    expect(button(root, "Retry").getAttribute("aria-disabled")).toBeNull();
    const spoken = [...root.querySelectorAll("[data-announcer] > div")].map((line) => line.textContent);
    expect(spoken).toEqual(["You can ask again now.", "Slow down a little. You can ask again in 2 s."]);
  });

  it("keeps a message while offline, and sends it when the network is back", async () => {
    const offline = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    const { chat, root, input, transport } = await mount();
    dispatchEvent(new Event("offline"));
    type(input, "Are you there?");
    press(input, "Enter");
    await settle(chat);
    expect(transport.runs).toHaveLength(0);
    expect(texts(root, ".ban strong")).toEqual(["You are offline"]);
    expect(texts(root, ".queued p")).toEqual(["Sends when you are back online Are you there?"]);
    expect(input.value).toBe("");
    offline.mockReturnValue(true);
    dispatchEvent(new Event("online"));
    await settle(chat);
    expect(transport.last.request?.messages.at(-1)?.content).toBe("Are you there?");
    expect(root.querySelector(".ban, .queued")).toBeNull();
  });

  it("asks again what failed for want of the network, once it is back", async () => {
    const { chat, transport } = await mount();
    void chat.send("Hi");
    transport.last.push({ type: "error", code: "network", message: "x", retryable: true });
    await settle(chat);
    dispatchEvent(new Event("online"));
    await settle(chat);
    expect(transport.runs).toHaveLength(2);
  });

  it("while-streaming block: Enter does nothing while an answer runs", async () => {
    const { chat, root, input, transport } = await mount({ whileStreaming: "block" });
    void chat.send("Hi");
    transport.last.start().text("Part");
    await settle(chat);
    type(input, "Next");
    press(input, "Enter");
    await settle(chat);
    expect(input.value).toBe("Next");
    expect(root.querySelector(".queued")).toBeNull();
  });
});

it("exports what was said, and carries text in events only when asked to", async () => {
  const mounted = await mount();
  const seen: unknown[] = [];
  for (const name of ["chanl-send", "chanl-message"] as const) mounted.chat.addEventListener(name, ({ detail }) => seen.push(detail.text));
  await answered(mounted, "One?", "**1**.");
  expect(seen).toEqual([undefined, undefined]);
  mounted.chat.events = "content";
  await answered(mounted, "Two?", "Zwei");
  expect(seen.slice(2)).toEqual(["Two?", "Zwei"]);
  expect(await mounted.chat.export()).toBe(
    "### You said\n\nOne?\n\n### Guide said\n\n**1**.\n\n### You said\n\nTwo?\n\n### Guide said\n\nZwei\n",
  );
  expect(JSON.parse(await mounted.chat.export("json"))).toMatchObject({ v: 1, messages: { length: 4 } });
});

it("lets the owner keep a link from being followed", async () => {
  const mounted = await mount();
  await answered(mounted, "One?", "[here](https://example.com/x)");
  const hrefs: string[] = [];
  mounted.chat.addEventListener("chanl-link-click", (event) => {
    hrefs.push(event.detail.href);
    event.preventDefault();
  });
  const click = new MouseEvent("click", { bubbles: true, cancelable: true, composed: true });
  mounted.root.querySelector(".md a")!.dispatchEvent(click);
  expect(hrefs).toEqual(["https://example.com/x"]);
  expect(click.defaultPrevented).toBe(true);
});
