/** What the page draws itself in an answer. */
import { afterEach, expect, it, vi } from "vitest";

import type { StreamChunk } from "../shared/protocol/chunk.ts";
import { mount, settle, texts, unmountAll, wait } from "./testing/mount.ts";

afterEach(unmountAll);

const call = (id: string, name = "weather", more: object = {}): StreamChunk => ({
  type: "tool_call",
  index: 0,
  id,
  name,
  arguments: { city: "Oslo" },
  runsOn: "server",
  ...more,
});
const result = (id: string, value: unknown, name = "weather"): StreamChunk => ({
  type: "tool_result",
  id,
  name,
  result: value as never,
  ms: 5,
});

it("a tool's element stands in its card, in the page's tree, and follows the call", async () => {
  const draw = vi.fn(({ state, result: value }: { state: string; result: unknown }) => {
    const card = document.createElement("p");
    card.className = "weather";
    card.textContent = state === "complete" ? `High ${(value as { high: number }).high}` : state;
    return card;
  });
  const { chat, root, transport } = await mount({ renderers: { "tool:weather": draw } });
  void chat.send("Weather?");
  transport.last.start().push(call("1"));
  await settle(chat);
  expect([...chat.children].map((child) => child.textContent)).toEqual(["running"]);
  transport.last.push(result("1", { high: 7 }));
  await settle(chat);
  const [card] = chat.querySelectorAll(".weather");
  expect(card!.textContent).toBe("High 7");
  expect(chat.children).toHaveLength(1);
  expect(card!.assignedSlot?.closest(".tool")).toBe(root.querySelector(".tool"));
  expect(root.querySelector(".tool pre")).toBeNull();
  const calls = draw.mock.calls.length;
  transport.last.text("It is cold.").done();
  await settle(chat);
  expect(draw.mock.calls.length).toBe(calls);
  // Folded away it is not in the page, unfolded it is again.
  root.querySelector<HTMLElement>(".tool .th")!.click();
  await settle(chat);
  expect(chat.children).toHaveLength(0);
  root.querySelector<HTMLElement>(".tool .th")!.click();
  await settle(chat);
  expect(chat.querySelector(".weather")!.textContent).toBe("High 7");
  chat.newConversation();
  await settle(chat);
  expect(chat.children).toHaveLength(0);
});

it("what is drawn is not folded into one line, a text is text, and nothing leaves the card as it was", async () => {
  const { chat, root, transport } = await mount({
    renderers: { "tool:weather": ({ id }) => (id === "2" ? null : `<b>${id}</b>`) },
  });
  void chat.send("Weather?");
  transport.last.start().push(call("1"), result("1", 1), call("2"), result("2", 2), call("3"), result("3", 3)).done();
  await settle(chat);
  expect(root.querySelector("[part='tool-fold']")).toBeNull();
  expect(texts(root, ".tool .drawn")).toEqual(["<b>1</b>", "<b>3</b>"]);
  root.querySelectorAll<HTMLElement>(".tool .th")[1]!.click();
  await settle(chat);
  expect(texts(root, ".tool pre")).toEqual(['{ "city": "Oslo" }', "2"]);
});

it("a call that waits for a decision keeps its buttons", async () => {
  const { chat, root, transport } = await mount({ renderers: { "tool:weather": () => "Shall I look?" } });
  void chat.send("Weather?");
  transport.last.start().push(call("1", "weather", { needsApproval: true }));
  await settle(chat);
  expect(texts(root, ".tool .drawn")).toEqual(["Shall I look?"]);
  expect(texts(root, ".tool .acts button")).toEqual(["Allow once", "Don’t allow", "Change the input"]);
});

it("a renderer that throws costs its own drawing, and the page hears of it", async () => {
  const heard: unknown[] = [];
  const hear = (event: ErrorEvent): void => {
    heard.push(event.message);
    event.preventDefault();
  };
  addEventListener("error", hear);
  const { chat, root, transport } = await mount({
    renderers: {
      "tool:weather": () => {
        throw new Error("no icon");
      },
    },
  });
  void chat.send("Weather?");
  transport.last.start().push(call("1"), result("1", 1)).text("Cold.").done();
  await settle(chat);
  removeEventListener("error", hear);
  expect(heard[0]).toContain("no icon");
  expect(texts(root, ".md")).toEqual(["Cold."]);
  root.querySelector<HTMLElement>(".tool .th")!.click();
  await settle(chat);
  expect(texts(root, ".tool pre")[1]).toBe("1");
});

it("a template inside the element draws results, and puts values in as text", async () => {
  const { chat, root, transport } = await mount();
  const template = document.createElement("template");
  template.slot = "tool:weather";
  for (const path of ["result.days.0.sky", "arguments.city", "result.none.at.all", "constructor.name", "result"]) {
    const value = document.createElement("i");
    value.dataset["value"] = path;
    template.content.append(value);
  }
  chat.append(template);
  void chat.send("Weather?");
  transport.last
    .start()
    .push(call("1"), result("1", { days: [{ sky: "<b>grey</b>" }] }))
    .done();
  await settle(chat);
  const drawn = chat.lastElementChild!;
  expect(drawn.assignedSlot?.closest(".tool")).toBe(root.querySelector(".tool"));
  expect([...drawn.querySelectorAll("i")].map((value) => value.textContent)).toEqual([
    "<b>grey</b>",
    "Oslo",
    "",
    "",
    '{"days":[{"sky":"<b>grey</b>"}]}',
  ]);
});

it("complete code of a language is drawn by the page, other code is not", async () => {
  const draw = vi.fn((code: string) => {
    const made = document.createElement("figure");
    made.textContent = `a chart of ${code.trim().length} characters`;
    return made;
  });
  const { chat, root, transport } = await mount({ renderers: { "code:chart": draw } });
  void chat.send("Chart?");
  transport.last.start().text("```chart\na->b\n");
  await settle(chat);
  await wait(100);
  expect(draw).not.toHaveBeenCalled();
  transport.last.text("```\n\n```js\nlet a = 1;\n```\n\nDone.").done();
  await settle(chat);
  await vi.waitUntil(() => root.querySelector(".md figure"), { timeout: 5_000 });
  expect(texts(root, ".md figure")).toEqual(["a chart of 4 characters"]);
  expect(draw).toHaveBeenCalledTimes(1);
  expect(draw.mock.calls[0]![0]).toBe("a->b\n");
  expect(texts(root, ".md pre")).toEqual(["let a = 1;"]);
});
