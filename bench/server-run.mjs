/** Contenders, measured once: for each a server process and a process of clients; a warm-up, a window of time. */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

const TASKSET = existsSync("/usr/bin/taskset");

/** On one core, so that the clients do not take the server's time. */
function onCore(core, command, args) {
  return TASKSET ? ["/usr/bin/taskset", ["-c", String(core), command, ...args]] : [command, args];
}

function start(file, core, args = []) {
  const [execPath, forked] = onCore(core, process.execPath, ["--expose-gc", join(import.meta.dirname, file), ...args]);
  const [first, ...rest] = forked;
  return fork(first, rest, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, NODE_ENV: "production" },
    execPath,
    execArgv: [],
  });
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
 * Servers beside each other: the same core, the same seconds, each with clients of its own. What the machine does meanwhile (another
 * guest, a slower clock, memory that is far) happens to all of them; one after the other their ratio went from 1.02 to 1.32 on one tree.
 *
 * @param options `{streams, tokensPerSecond, windowMs, seconds, serverBundle}`
 * @returns name → what the server and its clients saw; throws when the measurement is not one
 */
export async function measureServers(names, options) {
  const { streams, seconds } = options;
  const sides = names.map((name) => ({
    name,
    server: start("server-contender.mjs", 0, [JSON.stringify({ ...options, name })]),
    load: start("server-load.mjs", 1),
  }));
  const each = (work) => Promise.all(sides.map(work));
  try {
    await each(async (side) => ([side.target] = await Promise.all([ask(side.server), ask(side.load)])));
    await each(async (side) => (side.source = await ask(side.server, "source")));
    await each(async (side) => (side.before = await ask(side.server, "memory")));
    await each(({ load, target }) => ask(load, { open: target, streams }));
    await wait(1_500);
    await each(async (side) => (side.early = await ask(side.server, "memory")));
    await wait(options.warmUp ?? 5000);
    await each(({ server, load }) => Promise.all([ask(server, "begin"), ask(load, "begin")]));
    await wait(seconds * 1_000);
    const results = await each(async (side) => result(side, await Promise.all([ask(side.server, "end"), ask(side.load, "end")]), options));
    return new Map(results.map((figures, index) => [names[index], figures]));
  } finally {
    for (const { server, load } of sides) {
      server.kill("SIGKILL");
      load.kill("SIGKILL");
    }
  }
}

function result({ name, source, before, early }, [served, received], { streams, tokensPerSecond }) {
  if (received.closed > 0) throw new Error(`${name}: ${received.closed} streams were closed`);
  const rate = served.tokens / served.seconds;
  const missing = 1 - received.tokens / served.tokens;
  if (Math.abs(missing) > 0.03) throw new Error(`${name}: of ${served.tokens} tokens ${received.tokens} arrived`);
  return {
    ...received,
    cpu: served.microsecondsPerToken - source.microsecondsPerToken,
    source: source.microsecondsPerToken,
    onTime: rate / (streams * tokensPerSecond),
    kilobytesPerStream: (early.rss - before.rss) / 1_024 / streams,
    logKilobytesPerStream: (early.log - before.log) / 1_024 / streams,
  };
}

/**
 * A store in Redis beside one in memory, in the same way: two processes on one core, Redis on the other.
 *
 * @returns CPU that Redis adds to memory, in microseconds per token; `undefined` without a redis-server
 */
export async function measureRedis({ serverBundle, seconds, warmUp = 4_000, profile }) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const redis = spawn(...onCore(1, "redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]), {
    stdio: "ignore",
  });
  // Without the program there is nothing to run, or `taskset` ends with 127.
  const failed = once(redis, "exit").then(
    ([code]) => code,
    () => 127,
  );
  const code = await Promise.race([failed, wait(1_000)]);
  if (code === 127) return undefined;
  if (code !== undefined) throw new Error(`redis-server ended with ${code}: is port ${port} taken?`);
  const redisUrl = `redis://127.0.0.1:${port}`;
  const stores = [{ serverBundle }, { serverBundle, redisUrl, profile }].map((options) =>
    start("server-store.mjs", 0, [JSON.stringify(options)]),
  );
  const each = (work) => Promise.all(stores.map(work));
  try {
    await each((store) => ask(store));
    await wait(warmUp);
    await each((store) => ask(store, "begin"));
    await wait(seconds * 1_000);
    const [memory, both] = await each((store) => ask(store, "end"));
    return both.microsecondsPerToken - memory.microsecondsPerToken;
  } finally {
    for (const child of [...stores, redis]) child.kill("SIGKILL");
  }
}
