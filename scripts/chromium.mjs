// Where a Chromium is on this machine: CHROMIUM_PATH, a system browser, or Playwright's own.
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";

/** For tests: no sandbox where the tests run as root, and no connections of the browser's own. */
export const TEST_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SYSTEM_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

function runnable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns {string | null} */
export function findChromium() {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) {
    if (!runnable(chosen)) throw new Error(`CHROMIUM_PATH is ${chosen}, which cannot be run`);
    return chosen;
  }
  const system = SYSTEM_PATHS.find(runnable);
  if (system) return system;
  try {
    const own = createRequire(import.meta.url)("playwright").chromium.executablePath();
    return runnable(own) ? own : null;
  } catch {
    return null;
  }
}
