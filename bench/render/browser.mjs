/** A real Chromium without a frame limit, and one fresh page per sample. What is measured is CPU time of the page's main thread. */
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright";
import { build } from "vite";

import { findChromium, TEST_ARGS } from "../../scripts/chromium.mjs";
import { root } from "../core-bundle.mjs";

const folder = join(root, ".cache", "bench-render");

/** The same plain page for all: text, a scroller of 800 × 600, and of our own styles only what is drawn differently without: boxes of lines are blocks, full sections are skipped out of sight. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title><style>
body { margin: 0; font: 16px/1.5 sans-serif }
#scroller { width: 800px; height: 600px; overflow: auto; overflow-wrap: anywhere }
.lines { display: block }
.blocks { display: flow-root; contain-intrinsic-size: auto 1000px }
.blocks.full { content-visibility: auto }
</style><div id="scroller"><div id="reply"></div></div><script type="module" src="/page.js"></script>`;

async function bundle() {
  rmSync(folder, { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: folder,
      target: "es2022",
      minify: "oxc",
      modulePreload: false,
      rolldownOptions: { input: { page: join(root, "bench", "render", "page.mjs") }, output: { entryFileNames: "[name].js" } },
    },
  });
}

function serve() {
  const server = createServer(({ url }, response) => {
    if (url === "/") {
      response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
      return;
    }
    try {
      const type = extname(url) === ".css" ? "text/css" : "text/javascript";
      const body = readFileSync(join(folder, url));
      response.writeHead(200, { "Content-Type": type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

export async function openBench() {
  await bundle();
  const server = await serve();
  const browser = await chromium.launch({
    executablePath: findChromium() ?? undefined,
    headless: true,
    args: [...TEST_ARGS, "--disable-frame-rate-limit", "--disable-gpu-vsync"],
  });
  const origin = `http://127.0.0.1:${server.address().port}/`;

  /** @param work gets the page's own calls and the meters, and returns the sample */
  async function sample(work) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
    const page = await context.newPage();
    await page.goto(origin);
    await page.waitForFunction(() => window.bench !== undefined);
    const cdp = await context.newCDPSession(page);
    // Thread time: what other processes do on the machine is not counted.
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    const meters = async () => {
      const { metrics } = await cdp.send("Performance.getMetrics");
      const of = (name) => 1_000 * metrics.find((metric) => metric.name === name).value;
      return { task: of("TaskDuration"), layout: of("LayoutDuration") };
    };
    const heap = async () => {
      await cdp.send("HeapProfiler.collectGarbage");
      await cdp.send("HeapProfiler.collectGarbage");
      return (await cdp.send("Runtime.getHeapUsage")).usedSize;
    };
    /** CPU time of each task of the page's main thread while `action` runs, longest first, in ms. */
    const tasksDuring = async (action) => {
      await browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] });
      await action();
      const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
      const main = new Set(
        traceEvents
          .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
          .map(({ pid, tid }) => `${pid} ${tid}`),
      );
      return traceEvents
        .filter(({ name, tdur, pid, tid }) => name.endsWith("RunTask") && tdur !== undefined && main.has(`${pid} ${tid}`))
        .map(({ tdur }) => tdur / 1_000)
        .toSorted((a, b) => b - a);
    };
    try {
      return await work({
        tasksDuring,
        call: (name, ...args) => page.evaluate(([called, given]) => window.bench[called](...given), [name, args]),
        meters,
        heap,
      });
    } finally {
      await context.close();
    }
  }

  return {
    sample,
    version: browser.version(),
    async close() {
      await browser.close();
      server.close();
    },
  };
}
