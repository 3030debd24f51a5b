// npm run soak: 200 streams come and go at the built gateway, in waves: five minutes to warm up, ten that are measured. In those its memory must
// not grow by more than 1 MB, and it must hold as many handles as before. WARM_UP and MINUTES and STREAMS change the measure.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";

import { ensureBuilt, ensureInstalled, requireNode, root } from "./setup.mjs";

/** Engine, collector and allocator find their sizes: memory rises for about four minutes and then stays. */
const WARM_UP = Number(process.env["WARM_UP"] ?? 5);
const MINUTES = Number(process.env["MINUTES"] ?? 10);
const STREAMS = Number(process.env["STREAMS"] ?? 200);
const MOST_GROWTH_MB = 1;
const TOKENS = 150;

requireNode();
ensureInstalled();
ensureBuilt();

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const event = (delta) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;

/** A model that says 50 tokens per second. */
const model = createServer(async (request, response) => {
  request.resume();
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (let token = 0; token < TOKENS && !response.destroyed; token++) {
    response.write(event({ content: `token ${token} ` }));
    await wait(20);
  }
  response.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`);
});
await new Promise((resolve) => model.listen(0, "127.0.0.1", resolve));

/** Garbage is collected when we ask, so that a sample shows what is held and not when the engine last found the time. */
const COLLECT = 'data:text/javascript,process.on("SIGUSR2", () => gc())';
/** The engine's space for young objects has one size: growing and shrinking by itself it moves the figure by 30 MB. */
const YOUNG = ["--min-semi-space-size=16", "--max-semi-space-size=16"];
const gateway = spawn(process.execPath, ["--expose-gc", ...YOUNG, "--import", COLLECT, join(root, "dist", "server", "main.js")], {
  env: {
    PATH: process.env.PATH,
    PORT: "0",
    OPENAI_BASE_URL: `http://127.0.0.1:${model.address().port}/v1`,
    OPENAI_API_KEY: "soak",
    MODEL: "openai/soak",
    TTL_MS: "3000",
    GRACE_MS: "500",
    LOG_LEVEL: "error",
  },
  stdio: ["ignore", "pipe", "inherit"],
});
let output = "";
gateway.stdout.on("data", (data) => (output += data));
while (!output.includes("ready at")) await wait(50);
const origin = /ready at (\S+)/.exec(output)[1];

let answers = 0;
/** Visitors ask when it has resolved. */
let gate = Promise.resolve();
const over = new AbortController();

/** Asks again and again; of ten answers two are left early. */
async function visitor(index) {
  let passed;
  while (!over.signal.aborted) {
    if (passed !== gate) {
      passed = gate;
      await passed;
      // Not all at once.
      await wait((index * 3_000) / STREAMS);
    }
    const leaves = Math.random() < 0.2;
    const response = await fetch(`${origin}/api/chat/stream`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ agentId: "docs", messages: [{ role: "user", content: "go" }] }),
    });
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (leaves && bytes > 4_000) break;
    }
    answers++;
  }
}

async function sample() {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  return {
    minute: performance.now() / 60_000,
    megabytes: value("process_resident_memory_bytes") / 1_048_576,
    heap: value("nodejs_heap_size_used_bytes") / 1_048_576,
    committed: value("nodejs_heap_size_total_bytes") / 1_048_576,
    external: value("nodejs_external_memory_bytes") / 1_048_576,
    handles: value("nodejs_active_handles_total"),
    runs: value("chanl_runs"),
  };
}

/** The median of the slopes between all pairs: a sample in the middle of a collection does not count. */
function slope(samples, figure) {
  const slopes = [];
  for (const [index, a] of samples.entries())
    for (const b of samples.slice(index + 1)) slopes.push((figure(b) - figure(a)) / (b.minute - a.minute));
  return slopes.toSorted((a, b) => a - b)[slopes.length >> 1];
}

const idle = await sample();
const visitors = Array.from({ length: STREAMS }, (_, index) => visitor(index));
const begun = performance.now();
const samples = [];
while (performance.now() - begun < (WARM_UP + MINUTES) * 60_000) {
  await wait(20_000);
  // Between two waves, when every run is over and forgotten: how many there are at a moment would be most of what is seen.
  let open;
  gate = new Promise((resolve) => (open = resolve));
  while ((await sample()).runs > 0) await wait(250);
  await wait(4_500);
  for (let twice = 0; twice < 2; twice++) {
    gateway.kill("SIGUSR2");
    await wait(500);
  }
  const now = await sample();
  open();
  samples.push(now);
  const { minute, megabytes, heap, committed, external, handles } = now;
  console.log(
    `${minute.toFixed(1)} min: ${megabytes.toFixed(1)} MB (heap ${heap.toFixed(1)} of ${committed.toFixed(1)}, outside of it ${external.toFixed(1)}), ${handles} handles, ${answers} answers`,
  );
}
over.abort();
await Promise.all(visitors);
// Runs are forgotten, and connections kept alive are given up after 65 s.
let after = await sample();
for (let second = 0; second < 90 && (after.handles > idle.handles + 2 || after.runs > 0); second++) {
  await wait(1_000);
  after = await sample();
}
gateway.kill();
model.close();

const steady = samples.filter(({ minute }) => minute * 60_000 >= begun + WARM_UP * 60_000);
const growth = slope(steady, ({ megabytes }) => megabytes) * 10;
// Without what the allocator and the machine give and take: what the program itself holds.
const heldGrowth = slope(steady, ({ heap, external }) => heap + external) * 10;
const passed = growth < MOST_GROWTH_MB && heldGrowth < MOST_GROWTH_MB && after.handles <= idle.handles + 2 && after.runs === 0;
console.log(
  `${passed ? "PASS" : "FAIL"}  ${answers} answers in ${WARM_UP + MINUTES} min: ${growth.toFixed(2)} MB per 10 min, ${heldGrowth.toFixed(2)} of them held (each < ${MOST_GROWTH_MB}); ` +
    `${idle.handles} handles before, ${after.handles} after; ${after.runs} runs left`,
);
process.exit(passed ? 0 : 1);
