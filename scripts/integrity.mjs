// The script tags of a release: with its version, and with what the browser has to find in the file (SRI, SHA-384).
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const SCRIPTS = ["chanl-chat.js", "chanl-chat.iife.js", "embed.js"];

const digest = (file) =>
  `sha384-${createHash("sha384")
    .update(readFileSync(join(root, "dist", file)))
    .digest("base64")}`;

/** dist/integrity.json: file → `integrity`. */
export function writeIntegrity() {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const files = Object.fromEntries(SCRIPTS.map((file) => [file, digest(file)]));
  writeFileSync(join(root, "dist", "integrity.json"), `${JSON.stringify({ version, files }, null, 2)}\n`);
}

export function printScriptTag() {
  const { version, files } = JSON.parse(readFileSync(join(root, "dist", "integrity.json"), "utf8"));
  console.log(
    `<script type="module" src="https://cdn.jsdelivr.net/npm/chanl-chat@${version}/dist/chanl-chat.js" integrity="${files["chanl-chat.js"]}" crossorigin="anonymous"></script>`,
  );
}
