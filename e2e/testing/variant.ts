/** Copies of the built extension with a changed manifest, for what a headless browser cannot be asked. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { root } from "./gateway-process.ts";

type Manifest = Record<string, unknown>;

/** @returns the folder of the copy. */
export async function extensionVariant(change: (manifest: Manifest) => Manifest): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "chanl-variant-"));
  await cp(join(root, "dist", "extension"), folder, { recursive: true });
  const path = join(folder, "manifest.json");
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, "utf8")) as Manifest)));
  return folder;
}
