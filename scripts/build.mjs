// npm run build: the bundles, the extension and the type declarations, into dist/.
import { build, ensureInstalled, fail, requireNode, runBin } from "./setup.mjs";

requireNode();
ensureInstalled();
if (!build() || !runBin("tsc", ["-b"])) fail("The build failed. The lines above say why.");
const { printScriptTag } = await import("./integrity.mjs");
console.log("Built into dist/. The script tag of this version:");
printScriptTag();
