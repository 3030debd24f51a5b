/** What a whole streamed answer is to somebody who listens: the real element, and a clock of the test's own. */
import { afterEach, expect, it, vi } from "vitest";

import { mount, unmountAll } from "./testing/mount.ts";

const PAUSE_MS = 2_500;
const FRAME_MS = 16;
/** For an answer of any length. */
const MOST = 40;

afterEach(() => {
  vi.useRealTimers();
  unmountAll();
});

it.each([
  [600, 80],
  [3_000, 1_000],
])(
  "%i tokens at %i a second are at most one announcement per 2.5 s and two more, and every word is spoken once",
  async (tokens, perSecond) => {
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
    // Four characters a token, as models make them.
    const words = Array.from({ length: tokens }, (_, at) => `${at.toString(36)}${at % 12 === 11 ? ". " : " "}`);
    const began = performance.now();
    const together = Math.max(1, Math.floor((perSecond * FRAME_MS) / 1_000));
    for (let at = 0; at < words.length; at += together) {
      transport.last.text(...words.slice(at, at + together));
      await vi.advanceTimersByTimeAsync((together * 1_000) / perSecond);
    }
    const whileStreaming = spoken.length;
    expect(whileStreaming).toBeGreaterThan(0);
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
    expect(spoken.length).toBeLessThanOrEqual(MOST);
    expect(spoken.join(" ").replace(/ Answer complete$/, "")).toBe(words.join("").trim());
    expect(loud).toEqual([]);
  },
);
