// Gets a Chromium where there is none: the distribution's package, else Playwright's download.
import { spawnSync } from "node:child_process";

import { findChromium } from "./chromium.mjs";
import { run, runBin } from "./setup.mjs";

/** @returns {string | null} */
export function installChromium() {
  const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
  if (process.platform === "linux" && process.getuid?.() === 0 && has("apt-get")) {
    console.log("No Chromium found. Installing the distribution's …");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "chromium"], { env });
    const installed = findChromium();
    if (installed) return installed;
  }
  console.log("No Chromium found. Trying Playwright's …");
  runBin("playwright", ["install", "chromium"]);
  return findChromium();
}
