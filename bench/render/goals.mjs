/** What the renderer promises, each against a rival measured in the same run. */
import { median, ratio } from "../rounds.mjs";

const OURS = "chanl-chat";
const of = (samples, what) => samples.map((sample) => sample[what]);

export function goalsOf({ bursts, small, traced, lateAt, giants }) {
  const against = (samples, rival) => ratio(of(samples[OURS], "task"), of(samples[rival], "task"));
  const late = lateAt[180_000];
  const early = lateAt[40_000];
  const growth = (name) => ratio(of(bursts[name], "task"), of(small[name], "task"));
  return [
    ["200 KB : naive textContent", against(bursts, "naive textContent"), atMost(0.4)],
    ["200 KB : streamdown", against(bursts, "streamdown"), atMost(0.5)],
    ["200 KB : streaming-markdown", against(bursts, "streaming-markdown"), atMost(1)],
    ["200 KB : floor", against(bursts, "floor"), atMost(1.5)],
    ["growth from 50 KB to 200 KB : the floor's", growth(OURS) / growth("floor"), atMost(1.1)],
    ["one frame at 180 KB : deep-chat", against(late, "deep-chat"), atMost(1 / 20)],
    ["one frame at 180 KB : marked + DOMPurify", against(late, "marked + DOMPurify"), atMost(1 / 15)],
    ["one frame at 180 KB : naive textContent", against(late, "naive textContent"), atMost(0.25)],
    ["one frame at 180 KB : streamdown", against(late, "streamdown"), atMost(0.5)],
    ["layout of one frame, 180 KB : 40 KB", ratio(of(late[OURS], "layout"), of(early[OURS], "layout")), atMost(1.5)],
    [
      "longest task in 200 KB, any round",
      Math.max(...of(traced[OURS], "longest")),
      { ...atMost(50), format: milliseconds, goal: "≤ 50 ms" },
    ],
    ["heap over the empty page at 200 KB", median(of(bursts[OURS], "heap")) / 1e6, { ...atMost(3), format: megabytes, goal: "≤ 3 MB" }],
    ...Object.entries(giants).map(([name, samples]) => [
      `${name} : streaming-markdown`,
      against(samples, "streaming-markdown"),
      atMost(1.5),
    ]),
  ].map(([name, figure, { goal, holds, format }]) => ({ name, figure, goal, format, passed: holds(figure) }));
}

const atMost = (most) => ({
  goal: most > 0 && most < 0.1 ? `≤ 1/${Math.round(1 / most)}` : `≤ ${most}×`,
  holds: (figure) => figure <= most,
});
const milliseconds = (value) => `${value.toFixed(0)} ms`;
const megabytes = (value) => `${value.toFixed(1)} MB`;
