// What `npm start` and `npm test` need on a fresh machine: dependencies and built files, each only when something changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { writeManifest } from "./custom-elements.mjs";
import { writeIntegrity } from "./integrity.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, ".cache");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`chanl-chat needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

/** Runs a command to its end, output shown. Returns whether it succeeded. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", shell: process.platform === "win32", ...options });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** Runs a package's own command from node_modules/.bin. */
export function runBin(name, args, options = {}) {
  return run(join(root, "node_modules", ".bin", name), args, options);
}

function stampFile(name) {
  return join(cache, `${name}.stamp`);
}

function isFresh(name, stamp) {
  return existsSync(stampFile(name)) && readFileSync(stampFile(name), "utf8") === stamp;
}

function markFresh(name, stamp) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(stampFile(name), stamp);
}

export function ensureInstalled() {
  const lock = readFileSync(join(root, "package-lock.json"));
  const stamp = createHash("sha256").update(lock).update(process.version).update(process.platform).digest("hex");
  if (existsSync(join(root, "node_modules")) && isFresh("install", stamp)) return;
  console.log("Installing dependencies …");
  // Dev dependencies hold the build tools; NODE_ENV=production would leave them out.
  if (!run(npm, ["ci", "--include=dev", "--no-audit", "--no-fund"]))
    fail("The dependencies could not be installed. The lines above say why.");
  markFresh("install", stamp);
}

const SOURCES = [
  "shared",
  "widget",
  "extension",
  "server",
  "react",
  "demo",
  "vite.config.ts",
  "scripts/minify-templates.mjs",
  "tsconfig.base.json",
  "package-lock.json",
];

function sourceStamp() {
  const hash = createHash("sha256");
  const visit = (path) => {
    const stats = statSync(path);
    if (stats.isDirectory()) {
      for (const name of readdirSync(path).toSorted()) visit(join(path, name));
    } else if (!/\.test\.tsx?$/.test(path)) hash.update(path.slice(root.length)).update(readFileSync(path));
  };
  for (const source of SOURCES) visit(join(root, source));
  return hash.digest("hex");
}

/** Builds everything into dist/ unless the sources are those of the last build. */
export function ensureBuilt() {
  const stamp = sourceStamp();
  const outputs = ["dist/server/main.js", "dist/chanl-chat.js", "dist/chunks", "dist/demo", "dist/extension/manifest.json"];
  if (outputs.every((path) => existsSync(join(root, path))) && isFresh("build", stamp)) return;
  console.log("Building …");
  if (!build()) fail("The build failed. The lines above say why.");
  markFresh("build", stamp);
}

export function build() {
  // Under a test runner it says "test", and Vite would bundle Lit's development build: 15 KB more.
  process.env.NODE_ENV = "production";
  const quiet = ["--logLevel", "warn"];
  // Started by a test runner, NODE_ENV is "test", and then Lit's development build would be shipped.
  const options = { env: { ...process.env, NODE_ENV: "production" } };
  writeManifest();
  const built =
    runBin("vite", ["build", "--app", ...quiet], options) && runBin("vite", ["build", "--mode", "extension", ...quiet], options);
  if (built) writeIntegrity();
  return built;
}

export function fail(message) {
  console.error(message);
  process.exit(1);
}
