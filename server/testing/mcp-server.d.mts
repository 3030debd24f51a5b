import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";

/** @param onRun hears each tool that runs. */
export function createMcpServer(onRun?: (tool: string) => void): McpServer;
