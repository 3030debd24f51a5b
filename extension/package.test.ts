import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { filesOf, zip } from "../scripts/zip.mjs";

const folder = join(import.meta.dirname, "..", "dist", "extension");

/** What a page of the extension loads when it opens: its script and everything that imports at once. KB of gzip, 1000 bytes each. */
function loads(page: string): { files: string[]; gzip: number } {
  const open = [...readFileSync(join(folder, page), "utf8").matchAll(/<script[^>]* src="\/([^"]+)"/g)].map(([, path]) => path!);
  const seen = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const code = readFileSync(join(folder, path), "utf8");
    for (const [, name] of code.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) open.push(`assets/${name}`);
  }
  const files = [...seen];
  return { files, gzip: files.reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path)), { level: 9 }).length, 0) / 1000 };
}

describe.skipIf(!existsSync(join(folder, "manifest.json")))("the built extension", () => {
  test("packs into at most 300 KB, to the same bytes each time", () => {
    const files = filesOf(folder);
    const bytes = zip(files);
    console.log(`zip ${(bytes.length / 1000).toFixed(1)} KB`);
    expect(bytes.length).toBeLessThanOrEqual(300_000);
    expect(zip(files.toReversed()).equals(bytes)).toBe(true);
  });

  test("opens its panel with at most 60 KB of script", () => {
    const { files, gzip } = loads("side-panel/index.html");
    console.log(`panel ${gzip.toFixed(1)} KB gzip in ${files.length} files`);
    expect(files.length).toBeGreaterThan(1);
    expect(gzip).toBeLessThanOrEqual(60);
  });

  test("has a worker of at most 5 KB", () => {
    const seen = new Set(["service-worker-loader.js"]);
    for (const path of seen) {
      for (const [, name] of readFileSync(join(folder, path), "utf8").matchAll(
        /(?:from|import)\s*["'`]\.\/((?:assets\/)?[\w.-]+\.js)["'`]/g,
      ))
        seen.add(name!.startsWith("assets/") ? name! : `assets/${name!}`);
    }
    const gzip = [...seen].reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path)), { level: 9 }).length, 0);
    console.log(`worker ${gzip} bytes gzip in ${seen.size} files`);
    expect(seen.size).toBeGreaterThan(1);
    expect(gzip).toBeLessThanOrEqual(5_000);
  });

  test("holds no code from elsewhere, and makes none from strings", () => {
    const scripts = filesOf(folder).filter(({ name }) => /\.(js|html)$/.test(name));
    for (const { name, data } of scripts) {
      const code = data.toString();
      expect(code, name).not.toMatch(/\beval\(|new Function\(|import\(["'`]https?:|<script[^>]+src=["']?https?:|importScripts\(/);
    }
    expect(filesOf(folder).filter(({ name }) => !/\.(js|html|css|json|png)$/.test(name))).toEqual([]);
  });

  test("has icons of the sizes they are named for", () => {
    for (const size of [16, 32, 48, 128]) {
      const png = readFileSync(join(folder, "icons", `${size}.png`));
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
    }
  });
});
