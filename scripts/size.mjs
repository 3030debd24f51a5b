// Sizes of what is shipped, each held to a budget; exits with 1 when one is over. Also holds that the core imports nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

import { minifyCss } from "./minify-templates.mjs";
import { ensureBuilt, root } from "./setup.mjs";
import { filesOf, zip } from "./zip.mjs";

/** KB of brotli, 1000 bytes each: what a CDN sends. A budget grows only with a reason in its commit. */
const BUDGETS = {
  "renderer: Markdown to DOM, without highlighter": 13.5,
  // What goes along with a question, such as files, takes 0.04 of it.
  "core: SSE, tool calls, fetch transport, session": 9.05,
  "core: everything": 38.2,
  "dist/chanl-chat.js": 40,
  // 3.0 of it is how files come in and show, the words for that, the hotkey and the counter; what reads files comes with the first one.
  "dist/chanl-chat.js and what an answer loads": 66.6,
  "dist/embed.js": 3,
};
/** KB of gzip: the renderer without the names of character references, which are 1.1 KB and cannot come later. */
const RENDERER_BUDGET = 13.6;
/** KB of gzip: what a server without brotli sends for the script tag. */
const TAG_GZIP_BUDGET = 46;
/** KB of gzip: all style sheets of the widget together. */
const STYLES_BUDGET = 8;

/** KB: the extension's package for the store; in gzip, what its panel loads as it opens, and what its worker loads. */
const EXTENSION_BUDGETS = { zip: 300, "side-panel/index.html": 60, "service-worker-loader.js": 5 };

const CORE = join(root, "shared", "index.ts");
const RENDERER = join(root, "shared", "render", "token-renderer.ts");
const ENTRIES = {
  "renderer: Markdown to DOM, without highlighter": `export { TokenRenderer } from ${JSON.stringify(RENDERER)};`,
  "core: SSE, tool calls, fetch transport, session": `export { SseDecoder, createToolCallAccumulator, createFetchSseTransport, ChatSession } from ${JSON.stringify(CORE)};`,
  "core: everything": `export * from ${JSON.stringify(CORE)};`,
};

/** What a bundler of today makes of these imports: one minified script. */
async function bundle(source) {
  const entry = "\0entry";
  const { output } = await build({
    root,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? source : undefined),
      },
    ],
    build: {
      write: false,
      target: "es2022",
      minify: "oxc",
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict", output: { codeSplitting: false, minify: true } },
    },
  });
  return output;
}

function sizesOf(code) {
  const bytes = Buffer.from(code);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  return { min: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli.length };
}

const sizes = {};
const complaints = [];
for (const [name, source] of Object.entries(ENTRIES)) {
  const output = await bundle(source);
  const [{ code, imports, dynamicImports }] = output;
  const foreign = [...imports, ...dynamicImports];
  if (output.length !== 1) complaints.push(`${name} is ${output.length} files, not one.`);
  if (foreign.length > 0) complaints.push(`${name} imports ${foreign.join(", ")}. The core needs nothing but the platform.`);
  sizes[name] = sizesOf(code);
  if (!name.startsWith("renderer")) continue;
  const { gzip } = sizesOf(code.replace(/9Tab NewLine [\w ]+/, ""));
  if (gzip === sizes[name].gzip) complaints.push("The names of character references were not found in the renderer.");
  console.log(`The renderer without the names of character references: ${(gzip / 1_000).toFixed(2)} KB gzip, budget ${RENDERER_BUDGET} KB`);
  if (gzip > RENDERER_BUDGET * 1_000) complaints.push(`The renderer without the names of character references is ${gzip} bytes in gzip.`);
}
ensureBuilt();
const chunks = join(root, "dist", "chunks");
const conversation = readdirSync(chunks).find((name) => /^conversation-.*\.js$/.test(name));
const built = {
  "dist/chanl-chat.js": ["dist/chanl-chat.js"],
  "dist/chanl-chat.js and what an answer loads": ["dist/chanl-chat.js", `dist/chunks/${conversation}`],
  "dist/embed.js": ["dist/embed.js"],
};
for (const [name, files] of Object.entries(built)) {
  // Sent one by one, so compressed one by one.
  const parts = files.map((file) => sizesOf(readFileSync(join(root, file))));
  sizes[name] = Object.fromEntries(["min", "gzip", "brotli"].map((kind) => [kind, parts.reduce((sum, part) => sum + part[kind], 0)]));
}
const script = readFileSync(join(root, "dist", "chanl-chat.js"), "utf8");
const tagGzip = sizes["dist/chanl-chat.js"].gzip;
if (tagGzip > TAG_GZIP_BUDGET * 1_000) complaints.push(`dist/chanl-chat.js is ${tagGzip} bytes in gzip, above ${TAG_GZIP_BUDGET} KB.`);
if (/^import\b[^(]/.test(script))
  complaints.push("dist/chanl-chat.js imports another file at once: one more round trip before anything shows.");
const styles = readdirSync(join(root, "widget"), { recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .flatMap((name) => [...readFileSync(join(root, "widget", name), "utf8").matchAll(/\bcss`([^`]*)`/g)])
  .map(([, text]) => minifyCss(text));
const stylesGzip = gzipSync(styles.join(""), { level: 9 }).length;
if (stylesGzip > STYLES_BUDGET * 1_000) complaints.push(`The style sheets are ${stylesGzip} bytes in gzip, above ${STYLES_BUDGET} KB.`);

const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(2)} KB`.padStart(10);
console.log(`${"".padEnd(50)}${["minified", "gzip", "brotli", "budget"].map((word) => word.padStart(10)).join("")}`);
for (const [name, { min, gzip, brotli }] of Object.entries(sizes)) {
  console.log(`${name.padEnd(50)}${[min, gzip, brotli, BUDGETS[name] * 1_000].map(kilobytes).join("")}`);
  if (brotli > BUDGETS[name] * 1_000) complaints.push(`${name} is ${kilobytes(brotli).trim()} in brotli, above its ${BUDGETS[name]} KB.`);
}
console.log(
  `${"style sheets of the widget".padEnd(50)}${"".padStart(10)}${kilobytes(stylesGzip)}${"".padStart(10)}${kilobytes(STYLES_BUDGET * 1_000)} (gzip)`,
);
/** A file of the extension and everything that imports at once, each compressed by itself. */
function loadedBy(entry) {
  const folder = join(root, "dist", "extension");
  const scripts = new Set([entry]);
  for (const path of scripts) {
    const text = readFileSync(join(folder, path), "utf8");
    const imports = path.endsWith(".html")
      ? Array.from(text.matchAll(/<script[^>]* src="\/([^"]+)"/g), ([, name]) => name)
      : Array.from(text.matchAll(/(?:from|import)\s*["'`]\.\/((?:assets\/)?[\w.-]+\.js)["'`]/g), ([, name]) =>
          name.startsWith("assets/") ? name : `assets/${name}`,
        );
    for (const name of imports) scripts.add(name);
  }
  return [...scripts]
    .filter((path) => path.endsWith(".js"))
    .reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path)), { level: 9 }).length, 0);
}

for (const [name, budget] of Object.entries(EXTENSION_BUDGETS)) {
  const bytes = name === "zip" ? zip(filesOf(join(root, "dist", "extension"))).length : loadedBy(name);
  console.log(`${`extension: ${name}`.padEnd(50)}${"".padStart(10)}${kilobytes(bytes)}${"".padStart(10)}${kilobytes(budget * 1_000)}`);
  if (bytes > budget * 1_000) complaints.push(`The extension's ${name} is ${kilobytes(bytes).trim()}, above ${budget} KB.`);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length === 0 ? 0 : 1;
