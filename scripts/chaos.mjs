// npm run chaos: 20,000 cuts, killed gateways and a restarted Redis. CHAOS_CUTS changes the number, SEED replays a run.
import { join } from "node:path";

import { installServers } from "./install-servers.mjs";
import { ensureBuilt, ensureInstalled, fail, requireNode, root, run } from "./setup.mjs";

requireNode();
ensureInstalled();
ensureBuilt();
if (installServers().includes("redis-server")) fail("chaos needs redis-server, which is not on this machine.");
const passed = run(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "--project", "e2e", "e2e/chaos.test.ts"], {
  env: { CHAOS_CUTS: "20000", ...process.env },
});
process.exitCode = passed ? 0 : 1;
