import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

// The type checker holds the import direction. Each mutant is one wrong import in a copy of the tree.
const root = join(import.meta.dirname, "..");
let copy = "";

beforeAll(() => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  copy = mkdtempSync(join(root, ".cache", "import-direction-"));
  for (const name of ["shared", "widget", "server", "react", "tsconfig.base.json", "package.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function check(project: string): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-b", project], { cwd: copy, encoding: "utf8" });
  return { status, output: stdout };
}

function mutate(file: string, line: string): () => void {
  const path = join(copy, file);
  const source = readFileSync(path, "utf8");
  writeFileSync(path, `${line}\n${source}`);
  return () => writeFileSync(path, source);
}

test("the tree as it is passes", { timeout: 120_000 }, () => {
  expect(check("shared/tsconfig.core.json")).toEqual({ status: 0, output: "" });
  expect(check("server")).toEqual({ status: 0, output: "" });
});

test.each([
  ["shared must not import widget", "shared/errors.ts", 'import "../widget/strings.ts";', "shared/tsconfig.core.json", "TS6307"],
  ["shared must not import server", "shared/errors.ts", 'import "../server/errors.ts";', "shared/tsconfig.core.json", "TS6307"],
  [
    "the core must not import the renderer",
    "shared/errors.ts",
    'import "./render/token-renderer.ts";',
    "shared/tsconfig.core.json",
    "TS6307",
  ],
  ["the core must not touch the DOM", "shared/errors.ts", "document.title;", "shared/tsconfig.core.json", "TS2584"],
  ["server must not import the renderer", "server/errors.ts", 'import "../shared/render/token-renderer.ts";', "server", "TS6307"],
  ["server must not import the widget", "server/errors.ts", 'import "../widget/strings.ts";', "server", "TS6307"],
])("%s", { timeout: 120_000 }, (_name, file, line, project, code) => {
  const restore = mutate(file, line);
  const { status, output } = check(project);
  restore();
  expect(status).not.toBe(0);
  expect(output).toContain(code);
});
