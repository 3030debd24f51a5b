// The two faces the reference pictures are drawn with, where the system is a Debian and this is root. Without them that test is skipped.
import { spawnSync } from "node:child_process";

import { run } from "./setup.mjs";

/** family → Debian package */
const FONTS = { Inter: "fonts-inter", "JetBrains Mono": "fonts-jetbrains-mono" };

/** @returns {string[]} the families that are not on this machine */
export function missingFonts() {
  const { stdout, status } = spawnSync("fc-list", [":", "family"], { encoding: "utf8" });
  const families = status === 0 ? stdout.split(/[,\n]/).map((name) => name.trim()) : [];
  return Object.keys(FONTS).filter((name) => !families.includes(name));
}

/** @returns {string[]} the families that are still missing */
export function installFonts() {
  const wanted = missingFonts();
  if (wanted.length > 0 && process.platform === "linux" && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "fontconfig", ...wanted.map((name) => FONTS[name])], { env });
  }
  return missingFonts();
}
