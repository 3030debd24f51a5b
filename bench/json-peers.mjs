/** Fragments of a tool call's arguments → a view after each fragment. All return how many views they gave. */
import { parsePartialJson } from "ai";
import { parse as parseWithJsonriver } from "jsonriver";
import { Allow, parse as parsePartial } from "partial-json";

/** Ours: the live view. */
export function viewLive({ IncrementalJson }, fragments) {
  let views = 0;
  const json = new IncrementalJson();
  for (const fragment of fragments) {
    json.push(fragment);
    if (json.value !== undefined) views++;
  }
  json.end();
  return views;
}

/** Ours: a view per fragment that never changes afterwards. */
export function viewSnapshots({ IncrementalJson }, fragments) {
  let views = 0;
  const json = new IncrementalJson();
  for (const fragment of fragments) {
    json.push(fragment);
    if (json.snapshot() !== undefined) views++;
  }
  json.end();
  return views;
}

/** One tree that changes in place, like our live view; the next fragment is asked for after the view of the one before. */
export async function viewWithJsonriver(fragments) {
  let views = 0;
  for await (const view of parseWithJsonriver(asyncIterable(fragments))) if (view !== undefined) views++;
  return views;
}

/**
 * The two below parse the whole text again after every fragment, so that all of 100 KB takes them minutes. They are measured
 * at positions spread evenly over the text, and the sum is scaled to all fragments. Their text is ready for them: they are not
 * charged for joining it.
 */
export const SAMPLED_POSITIONS = 40;

export function sampledTexts(fragments) {
  const text = fragments.join("");
  const texts = [];
  for (let sample = 0; sample < SAMPLED_POSITIONS; sample++) {
    const fragment = Math.floor(((sample + 0.5) * fragments.length) / SAMPLED_POSITIONS);
    texts.push(text.slice(0, fragment * fragments[0].length));
  }
  return texts;
}

export async function viewWithAiSdk(texts) {
  let views = 0;
  for (const text of texts) if ((await parsePartialJson(text)).value !== undefined) views++;
  return views;
}

export function viewWithPartialJson(texts) {
  let views = 0;
  for (const text of texts) if (parsePartial(text, Allow.ALL) !== undefined) views++;
  return views;
}

async function* asyncIterable(fragments) {
  yield* fragments;
}
