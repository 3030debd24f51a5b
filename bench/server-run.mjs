/** One contender, measured once: a server process, a process of clients, a warm-up, a window of time. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Each process on its own core, so that the clients do not take the server's time. */
const TASKSET = existsSync("/usr/bin/taskset");

function start(file, core, args = []) {
  const path = join(import.meta.dirname, file);
  const options = {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, NODE_ENV: "production" },
    execArgv: ["--expose-gc"],
  };
  if (!TASKSET) return fork(path, args, options);
  const command = [String(core), process.execPath, "--expose-gc", path, ...args];
  return fork("-c", command, { ...options, execPath: "/usr/bin/taskset", execArgv: [] });
}

async function ask(child, message) {
  const answer = once(child, "message");
  if (message !== undefined) child.send(message);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`a process of the bench ended with ${code}`);
  });
  ended.catch(() => undefined);
  const [value] = await Promise.race([answer, ended]);
  return value;
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param options `{name, streams, tokensPerSecond, windowMs, seconds, serverBundle}`
 * @returns what the server and its clients saw; throws when the measurement is not one
 */
export async function measureServer(options) {
  const { name, streams, seconds } = options;
  const server = start("server-contender.mjs", 0, [JSON.stringify(options)]);
  const load = start("server-load.mjs", 1);
  try {
    const [target] = await Promise.all([ask(server), ask(load)]);
    const source = await ask(server, "source");
    const before = await ask(server, "memory");
    await ask(load, { open: target, streams });
    await wait(1_500);
    const early = await ask(server, "memory");
    await wait(options.warmUp ?? 5000);
    await Promise.all([ask(server, "begin"), ask(load, "begin")]);
    await wait(seconds * 1_000);
    const [served, received] = await Promise.all([ask(server, "end"), ask(load, "end")]);
    if (received.closed > 0) throw new Error(`${name}: ${received.closed} streams were closed`);
    const rate = served.tokens / served.seconds;
    const missing = 1 - received.tokens / served.tokens;
    if (Math.abs(missing) > 0.03) throw new Error(`${name}: of ${served.tokens} tokens ${received.tokens} arrived`);
    return {
      ...received,
      cpu: served.microsecondsPerToken - source.microsecondsPerToken,
      source: source.microsecondsPerToken,
      user: served.user,
      system: served.system,
      onTime: rate / (streams * options.tokensPerSecond),
      kilobytesPerStream: (early.rss - before.rss) / 1_024 / streams,
      logKilobytesPerStream: (early.log - before.log) / 1_024 / streams,
    };
  } finally {
    server.kill("SIGKILL");
    load.kill("SIGKILL");
  }
}
