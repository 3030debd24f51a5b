import { afterEach, expect, it } from "vitest";

import "../define.ts";
import { frame, mount, press, settle, texts, unmountAll, wait, type Mounted } from "../testing/mount.ts";

afterEach(unmountAll);

const log = (mounted: Mounted): HTMLElement => mounted.root.querySelector<HTMLElement>(".log")!;
const gap = (element: HTMLElement): number => element.scrollHeight - element.scrollTop - element.clientHeight;

async function longAnswer(): Promise<Mounted> {
  const mounted = await mount();
  void mounted.chat.send("Tell me everything");
  mounted.transport.last.start().text("A paragraph of some length, so that it wraps.\n\n".repeat(60));
  await settle(mounted.chat);
  return mounted;
}

it("follows what grows, to the pixel", async () => {
  const mounted = await longAnswer();
  for (let i = 0; i < 40; i += 1) {
    mounted.transport.last.text(`More words ${i}. \n\n`);
    await wait(8);
    await frame();
    await frame();
    expect(gap(log(mounted))).toBeLessThanOrEqual(1);
  }
});

it.each([
  ["the wheel", (element: HTMLElement) => element.dispatchEvent(new WheelEvent("wheel", { deltaY: -4, bubbles: true }))],
  ["PageUp", (element: HTMLElement) => press(element, "PageUp")],
  ["Home", (element: HTMLElement) => press(element, "Home")],
  ["ArrowUp", (element: HTMLElement) => press(element, "ArrowUp")],
])("is released by %s and stays where it is", async (_name, act) => {
  const mounted = await longAnswer();
  const element = log(mounted);
  act(element);
  element.scrollTop -= 120;
  await settle(mounted.chat);
  const top = element.scrollTop;
  for (let i = 0; i < 20; i += 1) {
    mounted.transport.last.text(`More words ${i}.\n\n`);
    await frame();
  }
  await settle(mounted.chat);
  expect(Math.abs(element.scrollTop - top)).toBeLessThanOrEqual(1);
  expect(texts(mounted.root, '[part="scroll-button"]')).toEqual(["New reply"]);
});

it("is released by dragging the scrollbar, and pinned again at the real bottom only", async () => {
  const mounted = await longAnswer();
  const element = log(mounted);
  element.scrollTop -= 300;
  await settle(mounted.chat);
  element.scrollTop = element.scrollHeight - element.clientHeight - 30;
  await settle(mounted.chat);
  mounted.transport.last.text("More.\n\n");
  await settle(mounted.chat);
  expect(gap(element)).toBeGreaterThan(20);
  element.scrollTop = element.scrollHeight;
  await settle(mounted.chat);
  mounted.transport.last.text("Even more.\n\n".repeat(5));
  await settle(mounted.chat);
  expect(gap(element)).toBeLessThanOrEqual(1);
  expect(mounted.root.querySelector('[part="scroll-button"]')).toBeNull();
});

it("goes back to the end by the button, and by sending", async () => {
  const mounted = await longAnswer();
  const element = log(mounted);
  element.scrollTop = 0;
  await settle(mounted.chat);
  const jump = mounted.root.querySelector<HTMLButtonElement>('[part="scroll-button"]')!;
  expect(jump.textContent?.trim()).toBe("Latest");
  jump.click();
  await settle(mounted.chat);
  expect(gap(element)).toBeLessThanOrEqual(1);
  expect(mounted.root.activeElement).not.toBeNull();
  mounted.transport.last.done();
  await settle(mounted.chat);
  element.scrollTop = 0;
  await settle(mounted.chat);
  void mounted.chat.send("And now?");
  await settle(mounted.chat);
  expect(gap(element)).toBeLessThanOrEqual(1);
});
