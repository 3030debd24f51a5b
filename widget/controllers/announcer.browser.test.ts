import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { createTranslate } from "../strings.ts";
import { Announcer, type AnnounceMode } from "./announcer.ts";

const t = createTranslate();
let polite: HTMLElement;
let assertive: HTMLElement;
let answer: HTMLElement;
let away = false;
let said: { at: number; text: string }[] = [];

function announcer(mode: AnnounceMode = "sentences"): Announcer {
  const made = new Announcer(() => ({ t, name: "Guide", mode, away, answer: () => [answer] }));
  made.attach(polite, assertive);
  return made;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  [polite, assertive, answer] = [document.createElement("div"), document.createElement("div"), document.createElement("div")];
  document.body.append(polite, assertive, answer);
  away = false;
  said = [];
  vi.spyOn(polite, "append").mockImplementation((...nodes) => {
    for (const node of nodes) {
      if (node instanceof Element) said.push({ at: performance.now(), text: node.textContent ?? "" });
      polite.insertBefore(node as Node, null);
    }
  });
});

afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const block = (tag: string, text: string, className = ""): HTMLElement => {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  answer.append(element);
  return element;
};

it("says that it is replying only when nothing comes", () => {
  const quiet = announcer();
  quiet.began();
  vi.advanceTimersByTime(500);
  quiet.streams();
  vi.advanceTimersByTime(5_000);
  expect(said).toEqual([]);
  quiet.ended("complete");
  const slow = announcer();
  slow.began();
  vi.advanceTimersByTime(900);
  expect(said.map(({ text }) => text)).toEqual(["Guide is replying"]);
});

it("speaks each word once, in whole sentences, never faster than every 2.5 s", () => {
  const voice = announcer();
  voice.began();
  const p = block("p", "");
  voice.streams();
  const sentences = Array.from({ length: 40 }, (_, i) => `This is sentence number ${i}, of some length.`);
  const words = sentences.join(" ").split(/(?<= )/);
  for (const word of words) {
    p.textContent += word;
    vi.advanceTimersByTime(25);
  }
  voice.ended("stopped");
  vi.advanceTimersByTime(60_000);
  const spoken = said.map(({ text }) => text);
  expect(spoken.join(" ")).toBe(`${sentences.join(" ")} Stopped`);
  for (let i = 1; i < said.length; i += 1) expect(said[i]!.at - said[i - 1]!.at).toBeGreaterThanOrEqual(2_499);
  for (const text of spoken) expect(text.length).toBeLessThanOrEqual(400);
  expect(spoken[0]).toMatch(/\.$/);
});

it("describes code and tables, and reads no controls", () => {
  const voice = announcer();
  voice.began();
  voice.streams();
  block("p", "Look:");
  const code = block("div", "", "code");
  const bar = document.createElement("div");
  bar.className = "bar";
  const lang = document.createElement("span");
  lang.textContent = "TypeScript";
  const button = document.createElement("button");
  button.textContent = "Copy";
  bar.append(lang, button);
  const pre = document.createElement("pre");
  const inner = document.createElement("code");
  inner.className = "language-TypeScript";
  inner.textContent = "a();\nb();\n";
  pre.append(inner);
  code.append(bar, pre);
  block("p", "Done");
  voice.ended("complete");
  vi.advanceTimersByTime(10_000);
  expect(said.map(({ text }) => text).join(" ")).toBe("Look: Code, TypeScript, 2 lines Done");
});

it("says only that there is something new while nobody is looking", () => {
  const voice = announcer();
  away = true;
  voice.began();
  voice.streams();
  block("p", "A whole answer.");
  vi.advanceTimersByTime(5_000);
  voice.ended("complete");
  vi.advanceTimersByTime(5_000);
  expect(said.map(({ text }) => text)).toEqual(["New message from Guide"]);
});

it("says failures at once, and forgets what it said", () => {
  const voice = announcer();
  voice.alert("Something went wrong");
  expect(assertive.textContent).toBe("Something went wrong");
  vi.advanceTimersByTime(11_000);
  expect(assertive.childElementCount).toBe(0);
});

it("says the end of a long answer", () => {
  const voice = announcer("complete");
  voice.began();
  voice.streams();
  block("p", "All of it.");
  vi.advanceTimersByTime(12_000);
  expect(said).toEqual([]);
  voice.ended("complete");
  vi.advanceTimersByTime(5_000);
  expect(said.map(({ text }) => text).join(" ")).toBe("All of it. Answer complete");
});
