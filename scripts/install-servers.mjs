// Gets the servers that tests put the gateway behind, where the system is a Debian and this is root: each test skips itself without its own.
import { spawnSync } from "node:child_process";

import { run } from "./setup.mjs";

/** command → Debian package */
const SERVERS = { "redis-server": "redis-server", nginx: "nginx", haproxy: "haproxy", caddy: "caddy", apache2: "apache2" };

// Where servers are, some systems do not look for commands.
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin`, DEBIAN_FRONTEND: "noninteractive" };
const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`], { env }).status === 0;

/** @returns {string[]} the commands that are still missing */
export function installServers() {
  const missing = () => Object.keys(SERVERS).filter((command) => !has(command));
  const wanted = missing();
  if (wanted.length > 0 && process.platform === "linux" && process.getuid?.() === 0 && has("apt-get")) {
    console.log(`Installing ${wanted.join(", ")} for the tests …`);
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...wanted.map((command) => SERVERS[command])], { env });
  }
  return missing();
}
