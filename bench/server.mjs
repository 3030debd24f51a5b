// npm run bench:server: the gateway beside its peers, each server and its clients in processes of their own. Writes the figures into
// bench/README.md; exits with 1 when a goal is missed.
import { join } from "node:path";

import { root } from "./core-bundle.mjs";
import { createRandom } from "./corpus.mjs";
import { publish, table, machine } from "./report.mjs";
import { median } from "./rounds.mjs";
import { buildServer } from "./server-bundle.mjs";
import { contenders } from "./server-peers.mjs";
import { measureRedis, measureServers } from "./server-run.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 3);
/** A generator above this share of its core would measure itself. */
const BUSIEST = 0.7;
/** Of what a goal is judged by: of three rounds on one tree the median went from 1.07 to 1.19 times raw. */
const JUDGED_ROUNDS = 2 * ROUNDS + 1;
const RAW = "raw node:http";
const OURS = "chanl-chat gateway";
const serverBundle = await buildServer();
const random = createRandom(1);
const started = performance.now();
let busiest = 0;

/** Once more when the machine was busy with something else. */
async function attempt(names, settings) {
  for (let left = 3; ; left--) {
    try {
      return await measureServers(names, { serverBundle, windowMs: 0, seconds: 4, ...settings });
    } catch (error) {
      console.error(`  ${error.message}`);
      if (left > 1) continue;
      if (!names.some((name) => name !== OURS && name !== RAW)) throw error;
      return new Map();
    }
  }
}

/** @returns name → one `{figures, raw}` per round, `raw` measured beside it; `undefined` for a contender that could not keep up */
async function measure(names, settings) {
  const results = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < JUDGED_ROUNDS; round++) {
    const order = names.filter((name) => name === OURS || (name !== RAW && round < ROUNDS)).map((name) => ({ name, place: random() }));
    for (const { name } of order.toSorted((a, b) => a.place - b.place)) {
      console.error(`… ${settings.streams} × ${settings.tokensPerSecond} tokens/s, round ${round + 1}: ${name}`);
      const both = await attempt([RAW, name], settings);
      for (const { busy } of both.values()) busiest = Math.max(busiest, busy);
      const raw = both.get(RAW);
      results.get(name).push(raw && { figures: both.get(name), raw });
      if (raw) results.get(RAW).push({ figures: raw, raw });
    }
  }
  return results;
}

const of = (results, name, figure) => {
  const values = results
    .get(name)
    .filter(Boolean)
    .map(({ figures }) => figure(figures));
  return values.length > 0 ? median(values) : undefined;
};
/** Of what was measured side by side. */
const ratioToRaw = (results, name, figure) => {
  const values = results.get(name).map((result) => result && figure(result.figures) / figure(result.raw));
  return values.every(Boolean) ? median(values) : undefined;
};
const fixed = (value, digits, unit = "") => (value === undefined ? "cannot keep up" : `${value.toFixed(digits)}${unit}`);

function rows(results) {
  return [...results.keys()].map((name) => [
    name,
    fixed(
      ratioToRaw(results, name, ({ cpu }) => cpu),
      2,
      "×",
    ),
    fixed(
      of(results, name, ({ cpu }) => cpu),
      1,
    ),
    fixed(
      of(results, name, ({ p50 }) => p50),
      2,
    ),
    fixed(
      of(results, name, ({ p99 }) => p99),
      1,
    ),
    fixed(
      of(results, name, ({ bytesPerToken }) => bytesPerToken),
      0,
    ),
    fixed(
      of(results, name, ({ kilobytesPerStream, logKilobytesPerStream }) => kilobytesPerStream - logKilobytesPerStream),
      0,
    ),
  ]);
}
const header = (title) => [title, "CPU : raw", "µs CPU per token", "p50 ms", "p99 ms", "bytes per token", "KB per stream"];

async function redisCost() {
  const costs = [];
  for (let round = 0; round < JUDGED_ROUNDS; round++) {
    console.error(`… store, round ${round + 1}`);
    costs.push(await measureRedis({ serverBundle, seconds: 4 }));
  }
  if (!costs.includes(undefined)) return median(costs);
  console.error("There is no redis-server on this machine: its cost is not measured.");
  return undefined;
}

const LOADS = {
  each: [Object.keys(contenders), { streams: 200, tokensPerSecond: 50 }],
  many: [[RAW, OURS, "Express 5"], { streams: 1_000, tokensPerSecond: 20 }],
  fast: [[RAW, OURS], { streams: 100, tokensPerSecond: 200, windowMs: 16 }],
};
const { ROW, PROFILE } = process.env;
if (ROW === "store") {
  if (PROFILE === undefined) console.log(`Redis adds ${(await redisCost())?.toFixed(2) ?? "–"} µs of CPU per token`);
  else await measureRedis({ serverBundle, seconds: 4, profile: PROFILE });
  process.exit();
}
if (ROW !== undefined) {
  // A look at one load, for who works on it: nothing is written, no goal is judged.
  const [, load] = LOADS[ROW] ?? [];
  if (!load) throw new Error(`ROW is one of ${Object.keys(LOADS).join(", ")}, store`);
  if (PROFILE === undefined) console.log(table(header(ROW), rows(await measure([RAW, OURS], load))));
  else await attempt([OURS], { ...load, profile: PROFILE });
  process.exit();
}
const each = await measure(...LOADS.each);
const many = await measure(...LOADS.many);
const fast = await measure(...LOADS.fast);
const redis = await redisCost();

const cpu = (result) => result.cpu;
const goals = [
  ["CPU per token by raw node:http, every token written at once", ratioToRaw(each, OURS, cpu), 1.15, "×"],
  ["CPU per token by raw node:http, 200 tokens/s joined within 16 ms", ratioToRaw(fast, OURS, cpu), 0.6, "×"],
  ["p50 above raw node:http, 200 streams", median(each.get(OURS).map(({ figures, raw }) => figures.p50 - raw.p50)), 0.5, " ms"],
  ["p99 by raw node:http, 1,000 streams", ratioToRaw(many, OURS, ({ p99 }) => p99), 2, "×"],
  [
    "memory per stream without its log, 1,000 streams",
    of(many, OURS, ({ kilobytesPerStream, logKilobytesPerStream }) => kilobytesPerStream - logKilobytesPerStream),
    60,
    " KB",
  ],
  ["CPU per token that Redis adds to memory, batches of 20 ms", redis, 3, " µs"],
  ["busiest moment of the clients' process", busiest, BUSIEST, " of its core"],
].map(([name, figure, most, unit]) => ({ name, figure, most, unit, passed: figure === undefined || figure <= most }));

const verdict = ({ figure, passed }) => (figure === undefined ? "not measured" : passed ? "PASS" : "FAIL");
const text = [
  `${machine()} · median of ${ROUNDS} rounds, of ours ${JUDGED_ROUNDS}`,
  table(header("200 streams × 50 tokens/s, every token its own event"), rows(each)),
  table(header("1,000 streams × 20 tokens/s, every token its own event"), rows(many)),
  table(header("100 streams × 200 tokens/s, the gateway joins tokens within 16 ms"), rows(fast)),
  table(
    ["Goal", "Figure", "Asked", ""],
    goals.map((goal) => [
      goal.name,
      goal.figure === undefined ? "–" : goal.figure.toFixed(2) + goal.unit,
      `≤ ${goal.most}${goal.unit}`,
      verdict(goal),
    ]),
  ),
].join("\n\n");
publish(join(root, "bench", "README.md"), text, "bench:server");
console.log(text);
console.log(`\n${Math.round((performance.now() - started) / 1_000)} s\n`);
for (const goal of goals)
  console.log(`${verdict(goal)}  ${goal.figure?.toFixed(2) ?? "–"}${goal.unit} (≤ ${goal.most}${goal.unit})  ${goal.name}`);
process.exitCode = goals.every(({ passed }) => passed) ? 0 : 1;
