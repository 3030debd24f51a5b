/** Where this package lies: its docs and built pages are found from there, whether it runs from source or from `dist`. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && /"name":\s*"chanl-chat"/.test(readFileSync(manifest, "utf8"))) return folder;
    const above = dirname(folder);
    if (above === folder) throw new Error("The package.json of chanl-chat was not found above its own files.");
    folder = above;
  }
}
