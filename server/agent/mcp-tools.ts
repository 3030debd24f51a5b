/** The gateway's MCP servers, and what they offer as tools of ours. */
import { createHash } from "node:crypto";

import type { Tool as McpTool } from "@modelcontextprotocol/sdk/types.js";

import type { JsonObject } from "../../shared/protocol/chunk.ts";
import { configuredFetch, publicFetch } from "../outbound.ts";
import { McpConnection } from "./mcp-connection.ts";
import type { McpServerSettings } from "./mcp-settings.ts";
import { ToolError, type Tool } from "./tool.ts";

/** An agent's own server, by address. It may only lie in the public network, because whoever makes agents is not the operator. */
export interface McpServerAddress {
  name: string;
  url: string;
  tools?: string[] | undefined;
}

export interface McpTools {
  tools: Tool[];
  /** Servers that could not be asked, each with why, in a sentence. */
  missing: { server: string; why: string }[];
}

const MAX_NAME_CHARS = 64;
const MAX_DESCRIPTION_CHARS = 4000;
/** Connections to agents' own servers that are kept. */
const MAX_OWN_CONNECTIONS = 64;

export interface McpServersOptions {
  servers: Readonly<Record<string, McpServerSettings>>;
  toolTimeoutMs: number;
  onDetail?: ((detail: string) => void) | undefined;
}

export class McpServers {
  readonly #options: McpServersOptions;
  readonly #configured = new Map<string, { connection: McpConnection; settings: McpServerSettings }>();
  readonly #own = new Map<string, { connection: McpConnection; settings: McpServerSettings }>();

  constructor(options: McpServersOptions) {
    this.#options = options;
    const { onDetail } = options;
    for (const [name, settings] of Object.entries(options.servers)) {
      this.#configured.set(name, { settings, connection: new McpConnection({ name, settings, fetch: configuredFetch, onDetail }) });
    }
  }

  get names(): string[] {
    return [...this.#configured.keys()];
  }

  /** The tools of the servers an agent names. Never rejects: what cannot be reached is told as missing. */
  async toolsOf(servers: readonly (string | McpServerAddress)[]): Promise<McpTools> {
    const found: McpTools = { tools: [], missing: [] };
    await Promise.all(
      servers.map(async (server) => {
        const known = typeof server === "string" ? this.#configured.get(server) : this.#ownServer(server);
        const name = typeof server === "string" ? server : server.name;
        try {
          if (!known) throw new ToolError(`There is no MCP server ${name} in the configuration.`);
          for (const tool of await known.connection.tools()) found.tools.push(this.#tool(known.connection, known.settings, tool));
        } catch (error) {
          const why = error instanceof ToolError ? error.message : `The MCP server ${name} cannot be used.`;
          found.missing.push({ server: name, why });
        }
      }),
    );
    // The order of arrival is chance, and a changed list of tools costs the provider's cache.
    found.tools.sort((a, b) => (a.name < b.name ? -1 : 1));
    return found;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#configured.values(), ...this.#own.values()].map(({ connection }) => connection.close()));
  }

  #ownServer({ name, url, tools }: McpServerAddress): { connection: McpConnection; settings: McpServerSettings } {
    const key = JSON.stringify([name, url, tools]);
    let known = this.#own.get(key);
    if (!known) {
      const settings: McpServerSettings = { url, tools };
      known = { settings, connection: new McpConnection({ name, settings, fetch: publicFetch, onDetail: this.#options.onDetail }) };
      this.#own.set(key, known);
      for (const [oldest, { connection }] of this.#own) {
        if (this.#own.size <= MAX_OWN_CONNECTIONS) break;
        this.#own.delete(oldest);
        void connection.close();
      }
    }
    return known;
  }

  #tool(connection: McpConnection, settings: McpServerSettings, tool: McpTool): Tool {
    const timeoutMs = settings.timeoutMs ?? this.#options.toolTimeoutMs;
    const { needsApproval = "destructive" } = settings;
    return {
      name: toolName(connection.name, tool.name),
      description: (tool.description ?? tool.title ?? tool.name).slice(0, MAX_DESCRIPTION_CHARS),
      parameters: tool.inputSchema as JsonObject,
      hasForeignSchema: true,
      // Above the call's own limit, so that the connection says which server was silent.
      timeoutMs: timeoutMs + 1000,
      needsApproval: needsApproval === "always" || (needsApproval === "destructive" && tool.annotations?.destructiveHint === true),
      run: (input, context) => connection.call(tool.name, input, context, timeoutMs),
    };
  }
}

/** `server__tool`. What does not fit is cut, and told apart by a hash. */
export function toolName(server: string, tool: string): string {
  const name = `${server}__${tool}`;
  const plain = name.replace(/[^a-zA-Z0-9_-]/g, "_");
  if (plain === name && name.length <= MAX_NAME_CHARS) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${plain.slice(0, MAX_NAME_CHARS - 9)}_${hash}`;
}
