/**
 * A real MCP server for tests. Run as a program it speaks stdio; `mcp-http-server.ts` puts it behind HTTP.
 * As a program it notes each run in the file `MCP_NOTES`, because it cannot tell a test otherwise. Plain JavaScript: Node starts it as it is.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

function note(text) {
  if (process.env["MCP_NOTES"]) appendFileSync(process.env["MCP_NOTES"], `${text}\n`);
}

function said(text) {
  return { content: [{ type: "text", text }] };
}

export function createMcpServer(onRun = note) {
  const server = new McpServer({ name: "test", version: "1.0.0" });
  server.registerTool("add", { description: "Adds two numbers", inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => {
    onRun("add");
    return said(String(a + b));
  });
  server.registerTool("fail", { description: "Always fails", inputSchema: {} }, () => {
    onRun("fail");
    return { isError: true, content: [{ type: "text", text: "The disk is full." }] };
  });
  server.registerTool("slow", { description: "Takes its time", inputSchema: { ms: z.number() } }, async ({ ms }, extra) => {
    onRun("slow");
    const { signal, _meta, sendNotification } = extra;
    for (let done = 1; done <= 4; done++) {
      await wait(ms / 4, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        onRun("slow aborted");
        break;
      }
      if (_meta?.progressToken === undefined) continue;
      const params = { progressToken: _meta.progressToken, progress: done, total: 4, message: `part ${done}` };
      await sendNotification({ method: "notifications/progress", params });
    }
    return said("slow is done");
  });
  server.registerTool("wipe", { description: "Deletes everything", inputSchema: {}, annotations: { destructiveHint: true } }, () => {
    onRun("wipe");
    return said("wiped");
  });
  server.registerTool("picture", { description: "A picture", inputSchema: {} }, () => ({
    content: [
      { type: "text", text: "Here:" },
      { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" },
    ],
  }));
  server.registerTool("environment", { description: "Names of its environment variables", inputSchema: {} }, () =>
    said(Object.keys(process.env).toSorted().join(" ")),
  );
  server.registerTool("exit", { description: "Ends the program", inputSchema: {} }, () => {
    onRun("exit");
    setImmediate(() => process.exit(3));
    return new Promise(() => undefined);
  });
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  note(`started ${process.pid}`);
  await createMcpServer().connect(new StdioServerTransport());
}
