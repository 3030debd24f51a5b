// npm run bench:core: the core beside its peers, in one process. Writes the figures into bench/README.md; exits with 1 when a goal is missed.
import { join } from "node:path";

import { loadCore, root } from "./core-bundle.mjs";
import { goalsOf } from "./goals.mjs";
import { goalLines, publish, report } from "./report.mjs";
import { ROUNDS } from "./rounds.mjs";
import { argumentsToViews, bytesToEvents, bytesToJson, longArguments, longLine } from "./sections.mjs";

const started = performance.now();
const core = await loadCore();
const log = (what) => console.error(`… ${what}`);

const events = await bytesToEvents(core, log);
const payloads = await bytesToJson(core, log);
const line = await longLine(core, log);
const views = await argumentsToViews(core, log);
const growth = await longArguments(core, log);

const goals = goalsOf({ events, payloads, line, views, growth });
const text = report([events, payloads, line, views, growth], goals, ROUNDS);
publish(join(root, "bench", "README.md"), text, "bench:core");
console.log(text);
for (const [shape, { live, snapshot }] of Object.entries(views.milliseconds))
  console.log(`\n${shape}: ${live.toFixed(1)} ms CPU with a live view, ${snapshot.toFixed(1)} ms with a snapshot per fragment`);
console.log(`\n${Math.round((performance.now() - started) / 1_000)} s\n`);
console.log(goalLines(goals).join("\n"));
process.exitCode = goals.every(({ passed }) => passed) ? 0 : 1;
