/**
 * One MCP server: connected when it is first needed, over stdio or streamable HTTP, and again when it went away.
 *
 * - A server that cannot be reached is not asked again for a while: a chat does not wait for it each time.
 * - A call is never repeated, with one exception: an HTTP server that says it does not know the session has not run it.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Tool as McpTool } from "@modelcontextprotocol/sdk/types.js";
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

import type { JsonValue } from "../../shared/protocol/chunk.ts";
import { withoutSecrets } from "../logger.ts";
import type { OutboundFetch } from "../outbound.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import type { JsonSchemaValidator, jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";

import type { McpServerSettings } from "./mcp-settings.ts";
import { resultOf } from "./mcp-result.ts";
import { ToolError, type ToolContext, type ToolOutcome } from "./tool.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** First wait after a failed connection; doubles up to `MAX_RETRY_MS`. */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
const MAX_TOOLS = 256;

/** A server's schema for its own results is not run here: a pattern in it may backtrack for ever. */
const TRUSTING: jsonSchemaValidator = {
  getValidator: <T>() => trust as JsonSchemaValidator<T>,
};
const trust = (input: unknown) => ({ valid: true, data: input, errorMessage: undefined });

export interface McpConnectionOptions {
  name: string;
  settings: McpServerSettings;
  fetch: OutboundFetch;
  onDetail?: ((detail: string) => void) | undefined;
}

interface Live {
  client: Client;
  tools: Promise<McpTool[]> | undefined;
}

export class McpConnection {
  readonly #options: McpConnectionOptions;
  #live: Promise<Live> | undefined;
  #failure: { message: string; until: number; waitMs: number } | undefined;
  #closed = false;

  constructor(options: McpConnectionOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** What the server offers and the configuration allows. @throws ToolError naming the server when it cannot be reached. */
  async tools(): Promise<McpTool[]> {
    const live = await this.#connected();
    live.tools ??= listTools(live.client).catch((error: unknown) => {
      live.tools = undefined;
      throw error;
    });
    const allowed = this.#options.settings.tools;
    try {
      return (await live.tools).filter(({ name }) => allowed === undefined || allowed.includes(name));
    } catch (error) {
      this.#detail(error);
      throw new ToolError(`The MCP server ${this.name} did not tell its tools.`);
    }
  }

  async call(tool: string, input: JsonValue, context: ToolContext, timeoutMs: number): Promise<ToolOutcome> {
    try {
      return await this.#callOnce(tool, input, context, timeoutMs);
    } catch (error) {
      if (!(error instanceof StreamableHTTPError) || error.code !== 404) throw this.#publicError(error, context);
    }
    // The session is gone, so the call was not run.
    await this.#drop();
    try {
      return await this.#callOnce(tool, input, context, timeoutMs);
    } catch (error) {
      throw this.#publicError(error, context);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  async #callOnce(tool: string, input: JsonValue, { signal, onProgress }: ToolContext, timeout: number): Promise<ToolOutcome> {
    const { client } = await this.#connected();
    const options = { signal, timeout, maxTotalTimeout: timeout, resetTimeoutOnProgress: false, onprogress: onProgress };
    return resultOf(await client.callTool({ name: tool, arguments: input as Record<string, unknown> }, undefined, options));
  }

  #connected(): Promise<Live> {
    if (this.#closed) return Promise.reject(new ToolError(`The MCP server ${this.name} was closed.`));
    if (this.#live) return this.#live;
    if (this.#failure && performance.now() < this.#failure.until) return Promise.reject(new ToolError(this.#failure.message));
    const live = this.#connect();
    this.#live = live;
    live.catch((error: unknown) => {
      if (this.#live === live) this.#live = undefined;
      const waitMs = Math.min(MAX_RETRY_MS, this.#failure ? this.#failure.waitMs * 2 : FIRST_RETRY_MS);
      const message = error instanceof ToolError ? error.message : `The MCP server ${this.name} cannot be reached.`;
      this.#failure = { message, waitMs, until: performance.now() + waitMs };
    });
    return live;
  }

  async #connect(): Promise<Live> {
    const client = new Client({ name: "chanl-chat", version: "0.1.0" }, { jsonSchemaValidator: TRUSTING });
    const live: Live = { client, tools: undefined };
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      live.tools = undefined;
    });
    client.onerror = (error) => this.#detail(error);
    const transport = this.#transport();
    try {
      await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS });
    } catch (error) {
      this.#detail(error);
      void client.close().catch(() => undefined);
      throw new ToolError(`The MCP server ${this.name} ${connectFailure(error, this.#options.settings)}.`);
    }
    this.#failure = undefined;
    client.onclose = () => {
      void this.#live?.then((current) => (current === live ? (this.#live = undefined) : undefined)).catch(() => undefined);
    };
    return live;
  }

  #transport(): Transport {
    const { settings, fetch } = this.#options;
    if (settings.command !== undefined) {
      const { command, args = [], env, cwd } = settings;
      // The SDK passes on PATH, HOME and the like, never our keys.
      const transport = new StdioClientTransport({
        command,
        args,
        stderr: "pipe",
        ...(env ? { env } : {}),
        ...(cwd === undefined ? {} : { cwd }),
      });
      transport.stderr?.on("data", (data: Buffer) => this.#detail(data.toString("utf8").slice(0, 2000)));
      return transport;
    }
    const http = new StreamableHTTPClientTransport(new URL(settings.url ?? ""), {
      fetch: boundedFetch(fetch),
      requestInit: { headers: settings.headers ?? {} },
      reconnectionOptions: { maxRetries: 5, initialReconnectionDelay: 500, reconnectionDelayGrowFactor: 1.5, maxReconnectionDelay: 10_000 },
    });
    return http;
  }

  async #drop(): Promise<void> {
    const live = await this.#live?.catch(() => undefined);
    this.#live = undefined;
    await live?.client.close().catch(() => undefined);
  }

  /** In our words; the server's own go to the debug log. What a tool reports as its error is for the model and comes another way. */
  #publicError(error: unknown, { signal }: ToolContext): unknown {
    if (error instanceof ToolError || signal.aborted) return error;
    this.#detail(error);
    if (error instanceof McpError) return new ToolError(`The MCP server ${this.name} ${callFailure(error.code)}.`);
    // Whatever broke, the next call begins with a sound connection.
    void this.#drop();
    return new ToolError(`The MCP server ${this.name} could not run the call.`);
  }

  /** For the debug log. A server may say what it was told, so its keys are cut out. */
  #detail(error: unknown): void {
    const { env = {}, headers = {} } = this.#options.settings;
    const secrets = [...Object.values(env), ...Object.values(headers)].flatMap((value) => value.split(/\s+/));
    const text = error instanceof Error ? error.message : String(error);
    this.#options.onDetail?.(
      `mcp ${this.name}: ${withoutSecrets(
        text,
        secrets.filter(({ length }) => length >= 8),
      )}`,
    );
  }
}

function connectFailure(error: unknown, { command }: McpServerSettings): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return `cannot be started: there is no program ${command}`;
  if (error instanceof StreamableHTTPError && (error.code === 401 || error.code === 403)) return "did not accept the gateway's key";
  return command === undefined ? "cannot be reached" : "did not start";
}

function callFailure(code: number): string {
  switch (code as ErrorCode) {
    case ErrorCode.RequestTimeout:
      return "did not answer in time";
    case ErrorCode.ConnectionClosed:
      return "stopped during the call";
    case ErrorCode.InvalidParams:
      return "refused the arguments";
    default:
      return "could not run the call";
  }
}

async function listTools(client: Client): Promise<McpTool[]> {
  const tools: McpTool[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: CONNECT_TIMEOUT_MS });
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor !== undefined && tools.length < MAX_TOOLS);
  return tools.slice(0, MAX_TOOLS);
}
