import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("everything shipped is within its size budget, and the core imports nothing", { timeout: 300_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "size.mjs")], { encoding: "utf8" });
  expect(status, stdout + stderr).toBe(0);
});
