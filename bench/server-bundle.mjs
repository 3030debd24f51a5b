/** The gateway, built from the sources as they are now the way the package is: what is measured is what is published. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

import { root } from "./core-bundle.mjs";

export async function buildServer() {
  // Inside the repository, so that it finds its packages.
  const outDir = join(root, ".cache", "bench-server");
  rmSync(outDir, { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: { ssr: join(root, "server", "index.ts"), outDir, target: "node20", minify: false },
  });
  return join(outDir, "index.js");
}
