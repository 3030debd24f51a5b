/**
 * Tools that run in the client: in the page, or in the extension. Each call runs once, whatever is replayed: a resume repeats
 * calls, and a reload takes up what had not ended. The session hands every chunk over; a session without tools needs none of it.
 */
import type { JsonObject, JsonValue, StreamChunk, ToolCallChunk } from "../protocol/chunk.ts";
import type { ClientToolDefinition, ToolResultRequest } from "../protocol/request.ts";
import type { SessionError } from "./chat-session.ts";
import type { StoredConversation } from "./conversation-store.ts";
import { insist, isSettled } from "./insist.ts";
import type { ChatMessage } from "./message.ts";

/** A tool that runs here. What `run` returns, or the message of what it throws, goes back to the model. */
export interface ClientTool {
  description: string;
  /** JSON Schema of the arguments. */
  parameters: JsonObject;
  /** A person has to approve each call before it runs. @defaultValue `false` */
  needsApproval?: boolean;
  /**
   * Never begun a second time. A page that is reloaded while a tool runs begins it again, so that a dialog comes back and the
   * answer goes on; with `once` the model is told instead that the page was reloaded. A tool that has ended is never run again.
   * @defaultValue `false`
   */
  once?: boolean;
  run(args: JsonValue, context: { toolCallId: string; signal: AbortSignal }): unknown;
}

/** What the tools see of a run. */
export interface ToolRun {
  streamId: string | null;
  messageId: string;
  /** Results that the gateway may not have yet. */
  results: readonly ToolResultRequest[];
  toolSignals: AbortController;
}

/** What the tools need of their session. */
export interface ToolHost {
  message: (run: ToolRun) => ChatMessage | undefined;
  isRunning: (run: ToolRun) => boolean;
  save: () => void;
  fail: (error: SessionError) => void;
  sendToolResult: (streamId: string, result: ToolResultRequest) => Promise<void>;
}

interface AskedCall {
  call: ToolCallChunk;
  /** Complete, and approved where that is needed. */
  mayRun: boolean;
}

/** The tools of one session. */
export class ClientTools {
  readonly #tools: () => Readonly<Record<string, ClientTool>>;
  readonly #onToolCall: ((call: ToolCallChunk) => unknown) | undefined;
  /** Calls that were told, and calls that began to run here: a replay does neither twice. */
  readonly #told = new Set<string>();
  readonly #begun = new Set<string>();

  /**
   * @param tools by name, or what gives them at each request
   * @param onToolCall called once per complete call, also of calls that run elsewhere. For a client call without a tool of its name,
   *   what it returns is the result.
   */
  constructor(
    tools: Readonly<Record<string, ClientTool>> | (() => Readonly<Record<string, ClientTool>>) = {},
    onToolCall?: (call: ToolCallChunk) => unknown,
  ) {
    this.#tools = typeof tools === "function" ? tools : () => tools;
    this.#onToolCall = onToolCall;
  }

  get definitions(): ClientToolDefinition[] {
    return Object.entries(this.#tools()).map(([name, { description, parameters, needsApproval }]) => ({
      name,
      description,
      parameters,
      ...(needsApproval ? { needsApproval } : {}),
    }));
  }

  /** Calls of a stored conversation were told; those that ended, or belong to an answer that has, are not begun again. */
  restore({ messages, active }: StoredConversation): void {
    for (const message of messages) {
      for (const part of message.parts) {
        if (part.type !== "tool_call" || part.arguments === undefined) continue;
        this.#told.add(part.id);
        if (message.id !== active?.messageId || part.result !== undefined || part.error !== undefined) this.#begun.add(part.id);
      }
    }
  }

  /** Another answer begins: ids of calls are unique in one answer only. */
  forget(): void {
    this.#told.clear();
    this.#begun.clear();
  }

  /** A chunk that was just applied to its message. */
  hear(run: ToolRun, chunk: StreamChunk, host: ToolHost): void {
    for (const call of this.#callsOf(run, chunk, host)) this.#handle(run, call, host);
  }

  /** The calls a chunk asks for. In a snapshot those that have no result yet: the others ran already. */
  #callsOf(run: ToolRun, chunk: StreamChunk, host: ToolHost): AskedCall[] {
    switch (chunk.type) {
      case "tool_call":
        return [{ call: chunk, mayRun: !chunk.incomplete && !chunk.invalid && !chunk.needsApproval }];
      case "approval":
        return chunk.approved ? this.#openCalls(run, host).filter(({ call }) => call.id === chunk.id) : [];
      case "snapshot": {
        const answered = new Set(chunk.message.chunks.flatMap((part) => (part.type === "tool_result" ? [part.id] : [])));
        const calls = chunk.message.chunks.filter((part) => part.type === "tool_call" && !answered.has(part.id));
        return [...calls.flatMap((call) => this.#callsOf(run, call, host)), ...this.#openCalls(run, host)];
      }
      default:
        return [];
    }
  }

  /** Calls of this page that may run and have no result yet. */
  #openCalls(run: ToolRun, host: ToolHost): AskedCall[] {
    const calls: AskedCall[] = [];
    for (const part of host.message(run)?.parts ?? []) {
      if (part.type !== "tool_call" || part.runsOn !== "client" || part.state !== "running") continue;
      const { id, index, name, arguments: args = null } = part;
      calls.push({ call: { type: "tool_call", index, id, name, arguments: args, runsOn: "client" }, mayRun: true });
    }
    return calls;
  }

  #handle(run: ToolRun, { call, mayRun }: AskedCall, host: ToolHost): void {
    // A tool of this page acts when it is told, so one that waits for a person is told when it may run.
    const isLater = call.runsOn === "client" && !mayRun && !call.incomplete && !call.invalid;
    if (isLater) return;
    const runs = call.runsOn === "client" && mayRun && !this.#begun.has(call.id);
    if (!runs && this.#told.has(call.id)) return;
    this.#told.add(call.id);
    if (runs) this.#begun.add(call.id);
    void this.#run(run, call, runs, host);
  }

  async #run(run: ToolRun, call: ToolCallChunk, runs: boolean, host: ToolHost): Promise<void> {
    const tools = this.#tools();
    const onToolCall = this.#onToolCall;
    const tool = runs && Object.hasOwn(tools, call.name) ? tools[call.name] : undefined;
    let result: { result: JsonValue } | { error: string };
    try {
      const told = onToolCall?.(call);
      // With a tool of its own, what the listener says does not matter, and neither does its failure.
      if (tool) void Promise.resolve(told).catch(() => undefined);
      else if (!onToolCall) throw new Error(`No tool named ${call.name} runs here.`);
      const value = tool ? await tool.run(call.arguments, { toolCallId: call.id, signal: run.toolSignals.signal }) : await told;
      result = { result: (value ?? null) as JsonValue };
    } catch (error) {
      result = { error: error instanceof Error ? error.message : "The tool failed." };
    }
    if (runs && host.isRunning(run)) await this.#deliver(run, { toolCallId: call.id, ...result }, host);
  }

  /** Hands a tool's result over. It is stored until the stream tells it: a reload in between loses nothing and runs nothing again. */
  async #deliver(run: ToolRun, result: ToolResultRequest, host: ToolHost): Promise<void> {
    const { streamId } = run;
    if (streamId === null) return;
    run.results = [...run.results.filter((other) => other.toolCallId !== result.toolCallId), result];
    host.save();
    try {
      await insist(5, run.toolSignals.signal, () => host.sendToolResult(streamId, result));
    } catch (error) {
      if (host.isRunning(run) && !isSettled(error))
        host.fail({ code: "network", message: "A tool's result could not be sent.", retryable: true });
    }
  }

  /** After a reload: results that were on their way go again, and tools whose page went away begin again, unless they must not. */
  takeUp(run: ToolRun, host: ToolHost): void {
    for (const result of run.results) {
      this.#begun.add(result.toolCallId);
      void this.#deliver(run, result, host);
    }
    for (const { call, mayRun } of this.#openCalls(run, host)) {
      if (this.#begun.has(call.id)) continue;
      if (!this.#tools()[call.name]?.once) {
        this.#handle(run, { call, mayRun }, host);
        continue;
      }
      this.#begun.add(call.id);
      void this.#deliver(run, { toolCallId: call.id, error: "The page was reloaded while the tool ran." }, host);
    }
  }
}
