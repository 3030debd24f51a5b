/** Runs in the page: gives a contender its text frame by frame, and keeps the scroller at the bottom. */
import { contenders, FRAME } from "./contenders.mjs";

/** Characters per token: 64 of them per frame. */
const TOKEN = 4;

const container = document.getElementById("reply");
const scroller = document.getElementById("scroller");

let contender;
let text = "";
let at = 0;

function frames(upTo, capMs) {
  const began = performance.now();
  return new Promise((resolve) => {
    let count = 0;
    const run = () => {
      contender.frame?.();
      scroller.scrollTop = scroller.scrollHeight;
      if (at >= upTo || performance.now() - began > capMs) {
        resolve(count);
        return;
      }
      const tokens = [];
      for (const end = Math.min(at + FRAME, upTo); at < end; at += TOKEN) tokens.push(text.slice(at, Math.min(at + TOKEN, end)));
      at = Math.min(at, upTo);
      contender.push(tokens);
      count++;
      requestAnimationFrame(run);
    };
    requestAnimationFrame(run);
  });
}

const settled = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50))));

window.bench = {
  async start(name, whole) {
    text = whole;
    at = 0;
    contender = await contenders[name](container, whole);
    await settled();
  },
  /** Everything up to `length` at once, not measured. */
  async preload(length) {
    contender.push([text.slice(0, length)]);
    at = length;
    contender.frame?.();
    scroller.scrollTop = scroller.scrollHeight;
    for (let wait = 0; wait < 20; wait++) await settled();
  },
  /** Feeds frames until `upTo` characters; returns how many frames it took and how far it came before `capMs`. */
  async stream(upTo, capMs) {
    const count = await frames(upTo, capMs);
    await settled();
    return { frames: count, at };
  },
  /** What can be read, to see that nothing was left out. */
  shown() {
    return (contender.textOf?.() ?? container.textContent).replace(/\s+/g, "").length;
  },
};
