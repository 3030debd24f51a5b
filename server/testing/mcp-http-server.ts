/** The MCP server for tests over streamable HTTP. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

import { createMcpServer } from "./mcp-server.mjs";

export interface McpHttpServer {
  url: string;
  /** Tools that ran, in order. */
  runs: string[];
  requests: IncomingMessage[];
  /** Forgets every session, as a restart does. */
  forget(): void;
  close(): Promise<void>;
}

export async function startMcpHttpServer(port = 0): Promise<McpHttpServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const runs: string[] = [];
  const requests: IncomingMessage[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(request);
    if (request.url === "/moved") return void response.writeHead(302, { Location: "/mcp" }).end();
    const id = request.headers["mcp-session-id"];
    let transport = typeof id === "string" ? sessions.get(id) : undefined;
    if (!transport) {
      if (id !== undefined) return void response.writeHead(404, { "Content-Type": "application/json" }).end('{"error":"no session"}');
      const made = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, made),
      });
      transport = made;
      await createMcpServer((tool) => runs.push(tool)).connect(made);
    }
    await transport.handleRequest(request, response);
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    runs,
    requests,
    forget: () => sessions.clear(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
