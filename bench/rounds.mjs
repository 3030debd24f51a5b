/**
 * Contenders measured against each other in one process.
 * Every round gives each contender one sample, in a new order, so that a busy moment of the machine hits all alike; what is
 * reported is the median over the rounds of the ratio inside each round.
 */
import { createRandom } from "./corpus.mjs";

export const ROUNDS = 15;
/** Shorter samples measure the clock. */
const SAMPLE_MS = 60;
/** Time for the engine's compilers. What is measured is a server or a page in the middle of its life. */
const WARM_UP_MS = 250;

/** CPU time, not wall time: what other processes on the machine do counts less. */
function cpuMs(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

async function sample(run, times) {
  const start = process.cpuUsage();
  for (let time = 0; time < times; time++) {
    const result = run();
    // Who does not wait does not pay for a tick.
    if (result instanceof Promise) await result;
  }
  return cpuMs(start) / times;
}

/** Warms up, and finds how often to repeat so that one sample lasts long enough. */
async function repetitions(run) {
  let spent = 0;
  let fastest = Number.POSITIVE_INFINITY;
  while (spent < WARM_UP_MS) {
    const once = await sample(run, 1);
    spent += Math.max(once, 0.01);
    fastest = Math.min(fastest, Math.max(once, 0.01));
  }
  return Math.ceil(SAMPLE_MS / fastest);
}

function shuffled(items, random) {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/**
 * @param contenders name → what to measure; may be asynchronous
 * @returns name → CPU milliseconds per run, one figure per round
 */
export async function measure(contenders, rounds = ROUNDS) {
  const random = createRandom(rounds);
  const entries = [];
  for (const [name, run] of Object.entries(contenders)) entries.push({ name, run, times: await repetitions(run), samples: [] });
  for (let round = 0; round < rounds; round++) {
    for (const { run, times, samples } of shuffled(entries, random)) samples.push(await sample(run, times));
  }
  return Object.fromEntries(entries.map(({ name, samples }) => [name, samples]));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times as long `slower` takes as `faster`, round by round. */
export function ratio(slower, faster) {
  return median(slower.map((milliseconds, round) => milliseconds / faster[round]));
}
