// npm run bench:render: streamed Markdown beside its peers, in real Chromium. Writes the figures into bench/README.md; exits with 1 when a goal is missed.
import { join } from "node:path";

import { root } from "./core-bundle.mjs";
import { openBench } from "./render/browser.mjs";
import { goalsOf } from "./render/goals.mjs";
import { measureAll, ROUNDS, tablesOf } from "./render/sections.mjs";
import { goalLines, publish, report } from "./report.mjs";

const started = performance.now();
const bench = await openBench();
try {
  const measured = await measureAll(bench, (what) => console.error(`… ${what}`));
  const goals = goalsOf(measured);
  const text = report(tablesOf(measured), goals, ROUNDS, `Chromium ${bench.version}`);
  publish(join(root, "bench", "README.md"), text, "bench:render");
  console.log(text);
  console.log(`\n${Math.round((performance.now() - started) / 60_000)} min\n`);
  console.log(goalLines(goals).join("\n"));
  process.exitCode = goals.every(({ passed }) => passed) ? 0 : 1;
} finally {
  await bench.close();
}
