/** What is measured, round by round: every contender gives one sample per round, so that a busy moment of the machine hits all alike. */
import { median, ratio } from "../rounds.mjs";
import { GIANTS, reply } from "./reply.mjs";

export const ROUNDS = 5;
const OURS = "chanl-chat";
const BURST = [OURS, "floor", "streaming-markdown", "streamdown", "naive textContent"];
const LATE = [
  OURS,
  "streaming-markdown",
  "streamdown",
  "naive textContent",
  "markdown-it",
  "marked + DOMPurify",
  "deep-chat, partialRender",
  "deep-chat",
];
/** Who is slower than this is measured as far as it came. */
const LATE_CAP_MS = 3_000;
const LATE_FRAMES = 48;
const CAP_MS = 120_000;
/** Visible characters per character of Markdown, as a share of ours: who leaves text out is no contender. */
const SHOWN = 0.95;

/** The text as a whole, 256 characters per frame. */
function burst(bench, name, text) {
  return bench.sample(async ({ call, meters, heap }) => {
    const empty = await heap();
    await call("start", name, text);
    const before = await meters();
    const { frames, at } = await call("stream", text.length, CAP_MS);
    const after = await meters();
    if (at < text.length) throw new Error(`${name} took more than ${CAP_MS} ms.`);
    return {
      task: after.task - before.task,
      layout: (after.layout - before.layout) / frames,
      shown: (await call("shown")) / at,
      heap: (await heap()) - empty,
    };
  });
}

/** The longest task of the main thread while the text streams. Traced, so its times are not compared with others'. */
function longestTask(bench, name, text) {
  return bench.sample(async ({ call, tasksDuring }) => {
    await call("start", name, text);
    const [longest] = await tasksDuring(() => call("stream", text.length, CAP_MS));
    return { longest, shown: (await call("shown")) / text.length };
  });
}

/** One frame more, when `length` characters are shown already. */
function late(bench, name, text, length) {
  return bench.sample(async ({ call, meters }) => {
    await call("start", name, text);
    await call("preload", length);
    const before = await meters();
    const { frames, at } = await call("stream", length + LATE_FRAMES * 256, LATE_CAP_MS);
    const after = await meters();
    return {
      task: (after.task - before.task) / frames,
      layout: (after.layout - before.layout) / frames,
      shown: (await call("shown")) / at,
    };
  });
}

/** name → one sample per round. The order turns with the round. */
async function rounds(names, run, log) {
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (let place = 0; place < names.length; place++) {
      const name = names[(place + round) % names.length];
      log(`round ${round + 1} of ${ROUNDS}: ${name}`);
      samples[name].push(await run(name));
    }
  }
  const ours = samples[OURS]?.[0].shown;
  for (const [name, [{ shown }]] of Object.entries(samples)) {
    if (ours && shown < SHOWN * ours) throw new Error(`${name} shows ${shown} of each character, we show ${ours}.`);
  }
  return samples;
}

const all = (samples, what) => samples.map((sample) => sample[what]);

/** How many times as much as ours, per contender. */
function times(samples, what) {
  return Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, ratio(all(list, what), all(samples[OURS], what))]));
}

export async function measureAll(bench, log) {
  const whole = reply(200_000);
  const quarter = reply(50_000);
  const bursts = await rounds(
    BURST,
    (name) => burst(bench, name, whole),
    (what) => log(`200 KB, ${what}`),
  );
  const small = await rounds(
    [OURS, "floor"],
    (name) => burst(bench, name, quarter),
    (what) => log(`50 KB, ${what}`),
  );
  const traced = await rounds(
    [OURS],
    (name) => longestTask(bench, name, whole),
    (what) => log(`tasks in 200 KB, ${what}`),
  );
  const lateAt = {};
  for (const length of [40_000, 180_000])
    lateAt[length] = await rounds(
      LATE,
      (name) => late(bench, name, whole, length),
      (what) => log(`frame at ${length / 1_000} KB, ${what}`),
    );
  const giants = {};
  for (const [name, make] of Object.entries(GIANTS)) {
    const text = make();
    giants[name] = await rounds(
      [OURS, "streaming-markdown"],
      (who) => burst(bench, who, text),
      (what) => log(`${name}, ${what}`),
    );
  }
  return { bursts, small, traced, lateAt, giants };
}

/** The figures as tables: each cell says how many times as much CPU time as ours. */
export function tablesOf({ bursts, traced, lateAt, giants }) {
  const whole = times(bursts, "task");
  const frames = Object.fromEntries(
    Object.entries(lateAt).map(([length, samples]) => [`one frame at ${length / 1_000} KB`, times(samples, "task")]),
  );
  const columns = ["200 KB", ...Object.keys(frames)];
  const names = [OURS, "floor", ...LATE.slice(1)];
  const cells = names.map((name) => [
    name,
    { "200 KB": whole[name], ...Object.fromEntries(Object.entries(frames).map(([at, row]) => [at, row[name]])) },
  ]);
  const giant = Object.fromEntries(Object.entries(giants).map(([name, samples]) => [name, times(samples, "task")["streaming-markdown"]]));
  const layout = (name) => median(all(lateAt[180_000][name], "layout").map((value, round) => value / lateAt[40_000][name][round].layout));
  return [
    { title: "A reply while it streams", columns, cells: Object.fromEntries(cells) },
    {
      title: "Layout of one frame, 180 KB : 40 KB",
      columns: ["growth"],
      cells: Object.fromEntries(LATE.map((name) => [name, { growth: layout(name) }])),
    },
    {
      title: "One giant construct",
      columns: Object.keys(giants),
      cells: { [OURS]: Object.fromEntries(Object.keys(giants).map((name) => [name, 1])), "streaming-markdown": giant },
    },
    {
      title: "Heap over the empty page at 200 KB, MB",
      columns: ["MB"],
      cells: Object.fromEntries(BURST.map((name) => [name, { MB: median(all(bursts[name], "heap")) / 1e6 }])),
      format: (value) => value.toFixed(1),
    },
    {
      title: "Ours, CPU time of the main thread, ms",
      columns: ["200 KB", "longest task in it", "one frame at 40 KB", "one frame at 180 KB"],
      cells: {
        [OURS]: {
          "longest task in it": median(all(traced[OURS], "longest")),
          "200 KB": median(all(bursts[OURS], "task")),
          "one frame at 40 KB": median(all(lateAt[40_000][OURS], "task")),
          "one frame at 180 KB": median(all(lateAt[180_000][OURS], "task")),
        },
      },
      format: (value) => value.toFixed(value < 100 ? 1 : 0),
    },
  ];
}
