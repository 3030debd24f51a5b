// Gets a virtual display and a hand for it, for tests of what is not part of any page: shortcuts, context menus, permission dialogs.
import { spawnSync } from "node:child_process";

import { run } from "./setup.mjs";

const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const ready = () => has("Xvfb") && has("xdotool");

/** @returns {boolean} whether both are there, perhaps only now */
export function installXvfb() {
  if (ready()) return true;
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !has("apt-get")) return false;
  console.log("No Xvfb or xdotool found. Installing the distribution's …");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], { env });
  run("apt-get", ["install", "-y", "-qq", "xvfb", "xdotool"], { env });
  return ready();
}
