// npm test: sets itself up, checks types, style and packaging, and runs every test. The last line is the count.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ensureBuilt, ensureInstalled, requireNode, root, run, runBin } from "./setup.mjs";

requireNode();
ensureInstalled();
const { findChromium } = await import("./chromium.mjs");
const { installChromium } = await import("./install-chromium.mjs");
const { installServers } = await import("./install-servers.mjs");
const { installFonts } = await import("./install-fonts.mjs");

let passed = 0;
let failed = 0;

function step(name, action) {
  console.log(`\n── ${name}`);
  if (action()) passed++;
  else {
    failed++;
    console.log(`✗ ${name} failed`);
  }
}

step("types and import direction", () => runBin("tsc", ["-b"]));
step("lint", () => runBin("oxlint", ["--type-aware", "--deny-warnings"]));
step("format", () => runBin("oxfmt", ["--check", "."]));
ensureBuilt();
step("package", () => runBin("publint", ["--strict", "--pack", "false"]));

const chromium = findChromium() ?? installChromium();
const missing = installServers();
if (missing.length > 0) console.log(`Not on this machine, so the tests that need them are skipped: ${missing.join(", ")}.`);
const fonts = installFonts();
if (fonts.length > 0) console.log(`Not on this machine, so the pictures of the gallery are not compared: the fonts ${fonts.join(", ")}.`);
const runs = [["node", "dom"]];
if (chromium) runs.push(["browser"], ["e2e"]);
else {
  failed++;
  console.log("✗ No Chromium could be found or installed, so the browser and end-to-end tests did not run. Set CHROMIUM_PATH to one.");
}

for (const projects of runs) {
  console.log(`\n── vitest: ${projects.join(", ")}`);
  const report = join(root, ".cache", `vitest-${projects[0]}.json`);
  mkdirSync(join(root, ".cache"), { recursive: true });
  rmSync(report, { force: true });
  const ok = run(
    process.execPath,
    [
      join(root, "node_modules", "vitest", "vitest.mjs"),
      "run",
      ...projects.flatMap((project) => ["--project", project]),
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    {
      env: { ...process.env, ...(chromium ? { CHROMIUM_PATH: chromium } : {}) },
    },
  );
  if (existsSync(report)) {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
    passed += numPassedTests;
    failed += numFailedTests;
    // A file that cannot be loaded, or an unhandled error, fails the run without a failed test.
    if (!ok && numFailedTests === 0) failed++;
  } else failed++;
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
