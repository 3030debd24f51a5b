import { afterEach, expect, it, vi } from "vitest";

import "../define.ts";
import { frame, mount, press, settle, texts, unmountAll, wait, type Mounted } from "../testing/mount.ts";

afterEach(() => {
  unmountAll();
  document.adoptedStyleSheets = [];
});

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

it("follows what gets its height late: a picture, another typeface", async () => {
  const mounted = await mount({ allowImageHosts: ["data:"] });
  void mounted.chat.send("Show me");
  mounted.transport.last.start().text("A paragraph of some length, so that it wraps.\n\n".repeat(60));
  const canvas = Object.assign(document.createElement("canvas"), { width: 100, height: 290 });
  mounted.transport.last.text(`![a picture](${canvas.toDataURL()})\n\nBelow it.\n\n`);
  await settle(mounted.chat);
  const element = log(mounted);
  const image = element.querySelector("img")!;
  await vi.waitUntil(() => image.complete && image.naturalHeight === 290);
  await frame();
  await frame();
  expect(image.getBoundingClientRect().height).toBeGreaterThan(250);
  expect(gap(element)).toBeLessThanOrEqual(1);
  for (const font of ["monospace", "serif", ""]) {
    const height = element.scrollHeight;
    mounted.chat.style.setProperty("--chanl-font", font);
    mounted.chat.style.setProperty("--chanl-font-size", font === "" ? "" : "23px");
    await frame();
    await frame();
    if (font !== "serif") expect(element.scrollHeight).not.toBe(height);
    expect(gap(element)).toBeLessThanOrEqual(1);
  }
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

/** In a log of this width. */
async function asked(scrollMode: "auto" | "bottom" | "turn", width: number): Promise<Mounted> {
  const mounted = await mount({ scrollMode });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`chanl-chat { width: ${width}px; height: 600px }`);
  document.adoptedStyleSheets = [sheet];
  void mounted.chat.send("The first question");
  mounted.transport.last.start().text("A paragraph of some length, so that it wraps.\n\n".repeat(30)).done();
  await settle(mounted.chat);
  void mounted.chat.send("The second question");
  mounted.transport.last.start();
  await settle(mounted.chat);
  return mounted;
}

const fromTop = (mounted: Mounted): number => {
  const question = [...mounted.root.querySelectorAll('[part~="message-user"]')].at(-1)!;
  const padding = Number.parseFloat(getComputedStyle(log(mounted)).paddingTop);
  return question.getBoundingClientRect().top - log(mounted).getBoundingClientRect().top - padding;
};

it.each([
  ["turn", 400],
  ["auto", 800],
] as const)("in mode %s at %i px a question goes to the top, and its answer grows below it without moving it", async (mode, width) => {
  const mounted = await asked(mode, width);
  expect(Math.abs(fromTop(mounted))).toBeLessThanOrEqual(1);
  expect(mounted.root.querySelector('[part="scroll-button"]')).toBeNull();
  for (let i = 0; i < 30; i += 1) {
    mounted.transport.last.text(`A paragraph ${i} of some length.\n\n`);
    await frame();
    await frame();
    expect(Math.abs(fromTop(mounted)), `after paragraph ${i}`).toBeLessThanOrEqual(1);
  }
  await settle(mounted.chat);
  const jump = mounted.root.querySelector<HTMLElement>('[part="scroll-button"]')!;
  expect(jump.textContent?.trim()).toBe("New reply");
  jump.click();
  await settle(mounted.chat);
  mounted.transport.last.text("And more.\n\n".repeat(5));
  await settle(mounted.chat);
  expect(gap(log(mounted))).toBeLessThanOrEqual(1);
});

it.each([
  ["bottom", 800],
  ["auto", 400],
] as const)("in mode %s at %i px the end of the answer is followed", async (mode, width) => {
  const mounted = await asked(mode, width);
  mounted.transport.last.text("A paragraph of some length.\n\n".repeat(40));
  await settle(mounted.chat);
  expect(gap(log(mounted))).toBeLessThanOrEqual(1);
});

it("in turns the room of an answer follows the height of the log", async () => {
  const mounted = await asked("turn", 400);
  const [sheet] = document.adoptedStyleSheets;
  sheet!.replaceSync("chanl-chat { width: 400px; height: 420px }");
  await settle(mounted.chat);
  await frame();
  expect(Math.abs(fromTop(mounted))).toBeLessThanOrEqual(1);
  expect(gap(log(mounted))).toBeLessThanOrEqual(1);
});
