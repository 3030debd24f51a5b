import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, expect, onTestFinished, test } from "vitest";

import { FileAgentStore } from "./file-agent-store.ts";
import { FileLock } from "./file-lock.ts";

let folder: string;
let path: string;
let lockPath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chanl-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, "agents.jsonl");
  lockPath = `${path}.lock`;
});

function take(): FileLock {
  const lock = new FileLock(path);
  onTestFinished(() => lock.release());
  return lock;
}

const leave = (holder: object | string, ageMs = 0): void => {
  writeFileSync(lockPath, typeof holder === "string" ? holder : JSON.stringify({ id: "x", ...holder }));
  const at = new Date(Date.now() - ageMs);
  utimesSync(lockPath, at, at);
};

/** Number of a process that was, and is no more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid!;
}

test("a file has one holder at a time, and a free one leaves nothing behind", () => {
  const first = take();
  expect(() => take()).toThrow(
    `DATA_DIR ${folder} is in use by another gateway (process ${process.pid}). Give each gateway a folder of its own, or an agentStore that several may share.`,
  );
  expect(first.isHeld()).toBe(true);
  first.release();
  expect(readdirSync(folder)).toEqual([]);
  expect(take().isHeld()).toBe(true);
});

test.each<[string, object | string, number]>([
  ["a living process of this machine", { pid: 1, host: hostname() }, 0],
  ["a process of another machine", { pid: 4242, host: "other" }, 20_000],
  ["whoever is writing it right now", "", 0],
])("%s holds it", (_, holder, ageMs) => {
  leave(holder, ageMs);
  const before = readFileSync(lockPath, "utf8");
  expect(() => take()).toThrow("is in use by another gateway");
  expect(readFileSync(lockPath, "utf8")).toBe(before);
});

test.each<[string, () => object | string | Promise<object>, number]>([
  ["of a process that is gone", async () => ({ pid: await deadPid(), host: hostname() }), 0],
  ["of an earlier process with our number", () => ({ pid: process.pid, host: hostname() }), 0],
  ["of another machine that was not touched for long", () => ({ pid: 1, host: "other" }), 31_000],
  ["of a number that another program has by now", () => ({ pid: 1, host: hostname() }), 31_000],
  ["that was cut", () => '{"pid"', 31_000],
])("a lock %s counts no more", async (_, holder, ageMs) => {
  leave(await holder(), ageMs);
  expect(take().isHeld()).toBe(true);
  expect(readdirSync(folder)).toEqual(["agents.jsonl.lock"]);
});

test("a gateway that slept and was taken over from does not write again, and nothing of the other is lost", async () => {
  const agent = (id: string): Parameters<FileAgentStore["create"]>[0] => ({ id, name: id, instructions: "", tools: [] });
  const sleeper = new FileAgentStore(path);
  onTestFinished(() => sleeper.close());
  await sleeper.create(agent("a"));
  // Its timers stood still for as long; the other is on another machine, so that its process cannot be seen.
  leave({ ...(JSON.parse(readFileSync(lockPath, "utf8")) as object), host: "other" }, 31_000);
  const other = new FileAgentStore(path);
  onTestFinished(() => other.close());
  await other.create(agent("b"));
  await expect(sleeper.create(agent("c"))).rejects.toThrow("another gateway took DATA_DIR over");
  await sleeper.close();
  expect(existsSync(lockPath)).toBe(true);
  await other.close();
  const last = new FileAgentStore(path);
  onTestFinished(() => last.close());
  expect((await last.list()).map(({ id }) => id)).toEqual(["a", "b"]);
});

test("a folder that cannot be written is named at the start", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => new FileLock(join(folder, "file", "agents.jsonl"))).toThrow(`DATA_DIR ${join(folder, "file")} cannot be written: `);
});
