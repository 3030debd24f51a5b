/** The client for code: Node, browsers, workers. One chunk format whatever the provider behind the gateway. */
import { ChatError } from "./errors.ts";
import { isTerminal, type FinishReason, type Metrics, type StreamChunk, type ToolCallChunk, type Usage } from "./protocol/chunk.ts";
import type { ApprovalRequest, RequestMessage } from "./protocol/request.ts";
import type { ClientTool } from "./session/client-tools.ts";
import { createFetchSseTransport } from "./transport/fetch-sse.ts";
import { GatewayHttp } from "./transport/http.ts";
import type { ChatTransport, TransportOptions } from "./transport/transport.ts";
import { createWebSocketTransport, type WebSocketConstructor } from "./transport/web-socket.ts";
import { randomId } from "./random-id.ts";

export interface ChanlClientOptions extends Omit<TransportOptions, "endpoint"> {
  /** Where the gateway is. @defaultValue the page's own origin */
  baseUrl?: string | undefined;
  /** Sent as `Authorization: Bearer`. Agent administration needs the gateway's admin key. Never ship one to a page. */
  apiKey?: string | undefined;
  /** Model for agents created without one. */
  model?: string | undefined;
  /** @defaultValue `"sse"` */
  transport?: "sse" | "websocket" | ChatTransport | undefined;
  /** For the WebSocket transport where the platform has none. */
  WebSocket?: WebSocketConstructor | undefined;
}

export interface AgentDefinition {
  name: string;
  instructions: string;
  model?: string;
}

export interface Agent extends AgentDefinition {
  id: string;
}

export interface StreamOptions {
  /** Tools that run here; their results go back into the run. */
  tools?: Record<string, ClientTool> | undefined;
  /** Decides about each call that needs approval; without it such a call waits until the gateway gives it up. */
  onApproval?: ((call: ToolCallChunk) => ApprovalDecision | Promise<ApprovalDecision>) | undefined;
  /** Aborting stops the answer at the model too, and ends the iteration with `cancelled`. */
  signal?: AbortSignal | undefined;
  /** Attach to the run with this id instead of paying for a second one. @defaultValue a random id */
  requestId?: string | undefined;
}

/** Whether a call may run, and with what. */
export type ApprovalDecision = Omit<ApprovalRequest, "toolCallId">;

export interface WholeAnswer {
  text: string;
  reasoning: string;
  toolCalls: ToolCallChunk[];
  reason: FinishReason | "cancelled";
  metrics: Metrics | undefined;
  usage: Usage | undefined;
}

export class ChanlClient {
  readonly #http: GatewayHttp;
  readonly #transport: ChatTransport;
  readonly #model: string | undefined;

  readonly agents: {
    /** @throws ChatError `unauthorized` or `forbidden` without the admin key, `bad_request` naming the field. */
    create(definition: AgentDefinition): Promise<Agent>;
  };

  readonly chat: {
    /** The whole answer. @throws ChatError when the stream ended with an error. */
    send(agentId: string, messages: readonly RequestMessage[], options?: StreamOptions): Promise<WholeAnswer>;
    /** The answer as it comes. Ends after exactly one terminal chunk; a lost connection is resumed, never shown. */
    stream(agentId: string, messages: readonly RequestMessage[], options?: StreamOptions): AsyncIterable<StreamChunk>;
  };

  constructor(options: ChanlClientOptions = {}) {
    const { apiKey, baseUrl = "", model } = options;
    const own = options.headers;
    const headers = apiKey ? async () => ({ ...(typeof own === "function" ? await own() : own), Authorization: `Bearer ${apiKey}` }) : own;
    const base = baseUrl.replace(/\/+$/, "");
    const shared: TransportOptions = { ...options, endpoint: `${base}/api/chat`, headers };
    this.#model = model;
    this.#http = new GatewayHttp({ ...shared, endpoint: `${base}/api` });
    this.#transport = chooseTransport(options, shared);
    this.agents = { create: (definition) => this.#createAgent(definition) };
    this.chat = {
      send: (agentId, messages, streamOptions) => this.#send(agentId, messages, streamOptions),
      stream: (agentId, messages, streamOptions) => this.#stream(agentId, messages, streamOptions),
    };
  }

  /** Closes the transport's socket, if it has one. */
  close(): void {
    this.#transport.close();
  }

  async #createAgent(definition: AgentDefinition): Promise<Agent> {
    const body = { ...(this.#model ? { model: this.#model } : {}), ...definition };
    const response = await this.#http.request("/agents", { method: "POST", body });
    return (await response.json()) as Agent;
  }

  async #send(agentId: string, messages: readonly RequestMessage[], options?: StreamOptions): Promise<WholeAnswer> {
    const answer: WholeAnswer = { text: "", reasoning: "", toolCalls: [], reason: "other", metrics: undefined, usage: undefined };
    for await (const chunk of this.#stream(agentId, messages, options)) {
      if (chunk.type === "token") answer.text += chunk.content;
      else if (chunk.type === "reasoning") answer.reasoning += chunk.content;
      else if (chunk.type === "tool_call") answer.toolCalls.push(chunk);
      else if (chunk.type === "error") {
        throw new ChatError(chunk.code, chunk.message, {
          retryable: chunk.retryable,
          status: chunk.status,
          retryAfterMs: chunk.retryAfterMs,
        });
      } else if (isTerminal(chunk)) {
        answer.reason = chunk.type === "done" ? chunk.reason : "cancelled";
        answer.metrics = chunk.metrics;
        if (chunk.type === "done") answer.usage = chunk.usage;
      }
    }
    return answer;
  }

  async *#stream(
    agentId: string,
    messages: readonly RequestMessage[],
    options: StreamOptions = {},
  ): AsyncGenerator<StreamChunk, void, undefined> {
    const { signal, tools = {} } = options;
    if (signal?.aborted) {
      yield { type: "cancelled", reason: "user" };
      return;
    }
    const transport = this.#transport;
    const follow = new AbortController();
    let streamId: string | null = null;
    const waiting = new Map<string, ToolCallChunk>();
    const abort = (): void => {
      if (streamId === null) return;
      void transport.cancel(streamId).catch(() => undefined);
      follow.abort();
    };
    signal?.addEventListener("abort", abort);
    try {
      const request = {
        agentId,
        messages: [...messages],
        requestId: options.requestId ?? randomId(),
        tools: Object.entries(tools).map(([name, { description, parameters, needsApproval = false }]) => ({
          name,
          description,
          parameters,
          ...(needsApproval ? { needsApproval } : {}),
        })),
      };
      let ended = false;
      for await (const chunk of transport.send(request, { signal: follow.signal })) {
        if (chunk.type === "start") {
          streamId = chunk.streamId;
          // Aborted before the stream had a name: now it has one.
          if (signal?.aborted) abort();
        }
        if (signal?.aborted) break;
        if (streamId !== null) this.#answerCalls(streamId, chunk, waiting, options, follow.signal);
        ended = isTerminal(chunk);
        yield chunk;
      }
      if (!ended && signal?.aborted) yield { type: "cancelled", reason: "user" };
    } finally {
      signal?.removeEventListener("abort", abort);
      follow.abort();
    }
  }

  /** Runs what is this side's to run, and asks about what needs approval. @param waiting calls that were asked about */
  #answerCalls(
    streamId: string,
    chunk: StreamChunk,
    waiting: Map<string, ToolCallChunk>,
    { tools = {}, onApproval }: StreamOptions,
    signal: AbortSignal,
  ): void {
    if (chunk.type === "tool_call" && chunk.needsApproval) {
      waiting.set(chunk.id, chunk);
      if (onApproval) void decide(this.#transport, streamId, chunk, onApproval);
    } else if (chunk.type === "tool_call" && chunk.runsOn === "client") {
      void runTool(this.#transport, streamId, tools, chunk, signal);
    } else if (chunk.type === "approval" && chunk.approved) {
      const call = waiting.get(chunk.id);
      if (call?.runsOn !== "client") return;
      void runTool(this.#transport, streamId, tools, { ...call, arguments: chunk.arguments ?? call.arguments }, signal);
    }
  }
}

async function runTool(
  transport: ChatTransport,
  streamId: string,
  tools: Record<string, ClientTool>,
  call: ToolCallChunk,
  signal: AbortSignal,
): Promise<void> {
  if (call.incomplete || call.invalid) return;
  const tool = Object.hasOwn(tools, call.name) ? tools[call.name] : undefined;
  let result;
  try {
    if (!tool) throw new Error(`No tool named ${call.name} runs here.`);
    result = { result: ((await tool.run(call.arguments, { toolCallId: call.id, signal })) ?? null) as never };
  } catch (error) {
    result = { error: error instanceof Error ? error.message : "The tool failed." };
  }
  await transport.sendToolResult(streamId, { toolCallId: call.id, ...result }).catch(() => undefined);
}

/** A decision that cannot be made is a no. */
async function decide(
  transport: ChatTransport,
  streamId: string,
  call: ToolCallChunk,
  onApproval: NonNullable<StreamOptions["onApproval"]>,
): Promise<void> {
  let decision: ApprovalDecision;
  try {
    decision = await onApproval(call);
  } catch {
    decision = { approved: false };
  }
  await transport.sendApproval(streamId, { toolCallId: call.id, ...decision }).catch(() => undefined);
}

function chooseTransport(options: ChanlClientOptions, shared: TransportOptions): ChatTransport {
  const { transport = "sse" } = options;
  if (typeof transport === "object") return transport;
  if (transport === "websocket") return createWebSocketTransport({ ...shared, WebSocket: options.WebSocket });
  if (transport === "sse") return createFetchSseTransport(shared);
  throw new TypeError(`ChanlClient: unknown transport "${String(transport)}". Did you mean "sse" or "websocket"?`);
}
