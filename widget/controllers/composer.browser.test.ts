import { afterEach, expect, it } from "vitest";

import "../define.ts";
import { mount, press, settle, type, unmountAll, wait } from "../testing/mount.ts";

afterEach(() => {
  unmountAll();
  sessionStorage.clear();
});

it("sends once for three Enters in one task", async () => {
  const { input, transport } = await mount();
  type(input, "Hi");
  press(input, "Enter");
  press(input, "Enter");
  press(input, "Enter");
  expect(transport.runs).toHaveLength(1);
});

it("makes a new line with Shift, and sends with Ctrl whatever the submit key", async () => {
  const { chat, input, transport } = await mount({ submitKey: "mod-enter" });
  type(input, "Hi");
  expect(press(input, "Enter").defaultPrevented).toBe(false);
  expect(press(input, "Enter", { shiftKey: true }).defaultPrevented).toBe(false);
  expect(transport.runs).toHaveLength(0);
  press(input, "Enter", { ctrlKey: true });
  expect(transport.runs).toHaveLength(1);
  await chat.updateComplete;
});

it("does not send an Enter that an input method is using", async () => {
  const { input, transport } = await mount();
  type(input, "にほ");
  press(input, "Enter", { isComposing: true });
  expect(transport.runs).toHaveLength(0);
});

it("does not send in Safari's order: compositionend, then keydown 229", async () => {
  const { input, transport } = await mount();
  type(input, "にほ");
  input.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "日本" }));
  press(input, "Enter", { keyCode: 229 });
  expect(transport.runs).toHaveLength(0);
});

it("does not send the keydown right after compositionend, but the next one", async () => {
  const { input, transport } = await mount();
  type(input, "日本");
  input.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "日本" }));
  expect(press(input, "Enter", { keyCode: 13 }).defaultPrevented).toBe(true);
  expect(transport.runs).toHaveLength(0);
  await wait(60);
  press(input, "Enter", { keyCode: 13 });
  expect(transport.runs).toHaveLength(1);
});

it("does not send nothing", async () => {
  const { chat, input, button, transport } = await mount();
  expect(button.getAttribute("aria-disabled")).toBe("true");
  expect(button.disabled).toBe(false);
  type(input, "   \n ");
  press(input, "Enter");
  button.click();
  await chat.updateComplete;
  expect(transport.runs).toHaveLength(0);
});

it("does not touch a message while one types", async () => {
  const { chat, root, input, transport } = await mount();
  void chat.send("Hi");
  transport.last.start().text("Answer.").done();
  await settle(chat);
  const records: MutationRecord[] = [];
  const observer = new MutationObserver((list) => records.push(...list));
  observer.observe(root.querySelector(".log")!, { subtree: true, childList: true, characterData: true, attributes: true });
  for (const text of ["a", "ab", "abc", "abc d"]) {
    type(input, text);
    await chat.updateComplete;
  }
  records.push(...observer.takeRecords());
  expect(records).toEqual([]);
});

it("keeps the draft of each conversation", async () => {
  const first = await mount({ conversationId: "c1", storage: "session" });
  type(first.input, "Half a thou");
  await wait(350);
  unmountAll();
  const other = await mount({ conversationId: "c2", storage: "session" });
  expect(other.input.value).toBe("");
  unmountAll();
  const again = await mount({ conversationId: "c1", storage: "session" });
  expect(again.input.value).toBe("Half a thou");
  expect(again.button.getAttribute("aria-disabled")).toBeNull();
  type(again.input, "");
  unmountAll();
  expect(sessionStorage.getItem("chanl-chat:draft:c1")).toBeNull();
});

it("stores nothing with storage none", async () => {
  const { chat, input } = await mount({ conversationId: "c1", storage: "none" });
  type(input, "Secret");
  await wait(350);
  chat.remove();
  expect(sessionStorage.length).toBe(0);
});

it("grows with its text and keeps one line for a long placeholder", async () => {
  const { chat, input } = await mount({ placeholder: "A placeholder that is much longer than the field it stands in ".repeat(4) });
  chat.classList.add("narrow");
  const one = input.offsetHeight;
  expect(one).toBeLessThan(50);
  type(input, "a\nb\nc");
  expect(input.offsetHeight).toBeGreaterThan(one + 30);
  type(input, "x\n".repeat(40));
  expect(input.offsetHeight).toBeLessThanOrEqual(170);
});
