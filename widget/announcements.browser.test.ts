/** What a whole streamed answer is to somebody who listens: the real element, and a clock of the test's own. */
import { afterEach, expect, it, vi } from "vitest";

import { mount, unmountAll } from "./testing/mount.ts";

const TOKENS = 600;
const TOKENS_PER_SECOND = 80;
const PAUSE_MS = 2_500;

afterEach(() => {
  vi.useRealTimers();
  unmountAll();
});

it("600 tokens at 80 a second are at most one announcement per 2.5 s and two more, and every word is spoken once", async () => {
  const { chat, root, transport } = await mount();
  vi.useFakeTimers({
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "performance",
      "requestAnimationFrame",
      "cancelAnimationFrame",
      "Date",
    ],
  });
  const spoken: string[] = [];
  const loud: string[] = [];
  const live = new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      const element = target instanceof Element ? target : target.parentElement;
      const region = element?.closest("[aria-live], [role='status'], [role='alert'], [role='log']");
      const isLive = region && region.getAttribute("aria-live") !== "off";
      if (!isLive) continue;
      if (region.hasAttribute("data-announcer")) spoken.push(...[...addedNodes].map((node) => node.textContent ?? ""));
      else loud.push(region.outerHTML.slice(0, 80));
    }
  });
  live.observe(root, { subtree: true, childList: true, characterData: true });

  const answered = chat.send("Go on");
  transport.last.start();
  const words = Array.from({ length: TOKENS }, (_, at) => `word${at}${at % 12 === 11 ? ". " : " "}`);
  const began = performance.now();
  for (const word of words) {
    transport.last.text(word);
    await vi.advanceTimersByTimeAsync(1_000 / TOKENS_PER_SECOND);
  }
  const whileStreaming = spoken.length;
  expect(whileStreaming).toBeGreaterThan(1);
  expect(whileStreaming).toBeLessThanOrEqual((performance.now() - began) / PAUSE_MS + 2);
  transport.last.done();
  await vi.advanceTimersByTimeAsync(100);
  await answered;
  // What was not said yet is said now, as slowly.
  let last = performance.now();
  for (let count = spoken.length, quiet = 0; quiet < 6_000; quiet += 500) {
    await vi.advanceTimersByTimeAsync(500);
    if (spoken.length === count) continue;
    count = spoken.length;
    last = performance.now();
    quiet = 0;
  }
  live.disconnect();
  expect(spoken.length).toBeLessThanOrEqual((last - began) / PAUSE_MS + 2);
  expect(spoken.join(" ").replace(/ Answer complete$/, "")).toBe(words.join("").trim());
  expect(loud).toEqual([]);
});
