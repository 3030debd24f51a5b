/** The core, built from the sources as they are now the way the package is: what is measured is what is published. */
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export async function loadCore() {
  const outDir = join(root, ".cache", "bench");
  rmSync(outDir, { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      outDir,
      target: "es2022",
      minify: false,
      lib: {
        entry: join(root, "shared", "index.ts"),
        formats: ["es"],
        fileName: () => "core.mjs",
      },
    },
  });
  return import(pathToFileURL(join(outDir, "core.mjs")).href);
}
