// npm start: installs, builds, serves, and says where. Nothing is done twice that has not changed.
import { ensureBuilt, ensureInstalled, requireNode } from "./setup.mjs";

requireNode();
ensureInstalled();
ensureBuilt();
await import("../dist/server/main.js");
