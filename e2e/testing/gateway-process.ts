/** The built server in its own process, as `npm start` runs it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { isWatchable } from "../../server/testing/key-watch.mjs";

export const root = join(import.meta.dirname, "..", "..");

export interface GatewayProcess {
  /** `http://127.0.0.1:port` */
  origin: string;
  output: () => string;
  /** SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** A model that a test plays is asked with this key. No byte that a gateway writes to a client, and no log line, may hold it. */
const CANARY_KEY = "canary-key-of-the-end-to-end-tests";
const KEY_WATCH = pathToFileURL(join(root, "server", "testing", "key-watch.mjs")).href;

/** @param env without `PORT`, any port. Keys in it are looked for in all that the gateway says: `stop` fails when one was told. */
export async function startGateway(env: Record<string, string> = {}): Promise<GatewayProcess> {
  const keyed = env["OPENAI_BASE_URL"] === undefined ? env : { ...env, OPENAI_API_KEY: CANARY_KEY };
  const child = spawn(process.execPath, ["--import", KEY_WATCH, join(root, "dist", "server", "main.js")], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: "0", ...keyed },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const origin = await originOf(child, () => output);
  return {
    origin,
    output: () => output,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await once(child, "exit");
      clearTimeout(timer);
      assertNoKey(output, keyed);
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function assertNoKey(output: string, env: Readonly<Record<string, string>>): void {
  const logged = Object.entries(env).filter(
    ([name, value]) => /_(?:KEY|SECRET)$/.test(name) && isWatchable(value) && output.includes(value),
  );
  if (logged.length > 0 || output.includes("KEY LEAK")) throw new Error(`A key was told:\n${output}`);
}

/** Where it says that it listens. */
async function originOf(child: ChildProcess, output: () => string): Promise<string> {
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    const [, origin] = /is ready at (\S+)\n/.exec(output()) ?? [];
    if (origin !== undefined) return origin;
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGKILL");
  throw new Error(`The server did not come up:\n${output()}`);
}
