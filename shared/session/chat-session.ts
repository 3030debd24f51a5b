/**
 * One conversation: what was said, what is being said, and how it goes on. Knows no DOM and no wire; the widget, the side
 * panel and the React hook are views of it.
 *
 * The latest run wins: each send has its own `Run`, and a chunk of an older one is dropped.
 */
import { ChatError, type ChatErrorCode } from "../errors.ts";
import { StreamMetrics } from "../metrics/stream-metrics.ts";
import { isTerminal, type JsonObject, type JsonValue, type StreamChunk, type ToolCallChunk } from "../protocol/chunk.ts";
import type { ClientToolDefinition } from "../protocol/request.ts";
import type { ChatTransport, FollowOptions, ReconnectNotice, TransportChunk } from "../transport/transport.ts";
import { wait } from "../transport/retry.ts";
import type { ActiveRun, ConversationStore } from "./conversation-store.ts";
import type { ChatMessage, ToolCallPart } from "./message.ts";
import { fork, selectVersion, type Forks } from "./forks.ts";
import { type CallDecision, decideCall, reduceMessage, resumeMessage } from "./reduce.ts";
import { requestMessages } from "./request-messages.ts";
import { randomId } from "../random-id.ts";

export type SessionState = "idle" | "connecting" | "streaming" | "tool" | "awaiting-approval" | "reconnecting" | "interrupted" | "error";

/** Everything a view shows. The same object until something changes. */
export interface SessionSnapshot {
  readonly messages: readonly ChatMessage[];
  readonly state: SessionState;
  /** From send until the terminal chunk. */
  readonly isStreaming: boolean;
  readonly reconnect: ReconnectNotice | null;
  /** Time to first token of the last answer, in ms; live while it streams. */
  readonly ttft: number | null;
  /** Rate of the last answer; live while it streams. */
  readonly tokensPerSecond: number | null;
  readonly conversationId: string;
  /** The messages came out of the store. */
  readonly restored: boolean;
  /** Where the conversation has other versions, by the `forkId` of a message. */
  readonly forks: Forks;
}

export interface SessionError {
  code: ChatErrorCode;
  message: string;
  retryable: boolean;
}

/** A tool that runs here. What `run` returns, or the message of what it throws, goes back to the model. */
export interface ClientTool {
  description: string;
  /** JSON Schema of the arguments. */
  parameters: JsonObject;
  run(args: JsonValue, context: { toolCallId: string; signal: AbortSignal }): unknown;
}

export interface ChatSessionOptions {
  transport: ChatTransport;
  agentId: string;
  /** @defaultValue a random id */
  conversationId?: string | undefined;
  /** Where the conversation survives a reload; `null` keeps it in memory only. @defaultValue `null` */
  store?: ConversationStore | null | undefined;
  tools?: Record<string, ClientTool> | undefined;
  /** Called once per complete call, also of calls that run elsewhere. For a client call without a tool of its name, what it returns is the result. */
  onToolCall?: ((call: ToolCallChunk) => unknown) | undefined;
  /** Clock in ms since the epoch. @defaultValue `Date.now` */
  now?: (() => number) | undefined;
}

/** How often an answer in progress is saved, in ms. */
const SAVE_INTERVAL_MS = 250;

interface Run extends ActiveRun {
  follow: AbortController;
  metrics: StreamMetrics;
  /** The person stopped it: nothing of it is shown any more. */
  stopped: boolean;
  /** The one attempt to tell the gateway about it. */
  cancelling: Promise<void> | null;
  toolSignals: AbortController;
}

export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #chunkListeners = new Set<(chunk: TransportChunk, message: ChatMessage) => void>();
  readonly #errorListeners = new Set<(error: SessionError) => void>();
  /** Calls whose handler ran: a replay never runs one twice. */
  readonly #handledCalls = new Set<string>();
  /** Runs that are followed, stopped ones too until the gateway has heard. */
  readonly #followed = new Set<Run>();
  readonly #disposed = new AbortController();

  #conversationId: string;
  #messages: readonly ChatMessage[] = [];
  /** The list of messages is in somebody's hands, so it must not change. */
  #isShared = false;
  #run: Run | null = null;
  /** Where an interrupted answer can be picked up. */
  #interrupted: ActiveRun | null = null;
  #reconnect: ReconnectNotice | null = null;
  #restored = false;
  #forks: Forks = {};
  #snapshot: SessionSnapshot | null = null;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ChatSessionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#conversationId = options.conversationId ?? randomId();
  }

  getSnapshot(): SessionSnapshot {
    return (this.#snapshot ??= this.#takeSnapshot());
  }

  /** Called synchronously after each change. A view that draws coalesces calls to one per frame. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Each chunk after it was applied, with the message it made: the way to a `TokenRenderer` that skips rendering. */
  onChunk(listener: (chunk: TransportChunk, message: ChatMessage) => void): () => void {
    this.#chunkListeners.add(listener);
    return () => void this.#chunkListeners.delete(listener);
  }

  onError(listener: (error: SessionError) => void): () => void {
    this.#errorListeners.add(listener);
    return () => void this.#errorListeners.delete(listener);
  }

  /** Loads the conversation from the store and picks up an answer that was still running. Settles when that answer ends. */
  async restore(): Promise<void> {
    const { store, transport } = this.#options;
    const stored = await store?.load(this.#conversationId);
    if (!stored || this.#messages.length > 0) return;
    this.#messages = stored.messages;
    this.#isShared = true;
    this.#forks = stored.forks ?? {};
    this.#restored = stored.messages.length > 0;
    for (const message of stored.messages) {
      for (const part of message.parts) if (part.type === "tool_call" && part.arguments !== undefined) this.#handledCalls.add(part.id);
    }
    this.#changed();
    const { active } = stored;
    const message = active && this.#message(active.messageId);
    if (!active || !message) return;
    this.#replace(resumeMessage(message));
    const run = this.#begin(active);
    this.#answerLostTools(active.streamId, message);
    await this.#follow(
      run,
      active.streamId === null
        ? transport.send(this.#request(run), this.#followOptions(run))
        : transport.resume(active.streamId, active.lastSeq, this.#followOptions(run)),
    );
  }

  /**
   * Asks. The user's message is in the snapshot before this returns. Settles with the ended answer, whatever its end; never rejects.
   * `null` when there is nothing to send or an answer is still running.
   */
  async send(text: string): Promise<ChatMessage | null> {
    if (text.trim() === "" || this.#run) return null;
    this.#messages = [...this.#messages, this.#question(text)];
    return this.#ask();
  }

  /** Asks a question of the past anew, in other words. What followed from it is kept as another version. `null` as in `send`. */
  async edit(messageId: string, text: string): Promise<ChatMessage | null> {
    const at = this.#messages.findIndex(({ id, role }) => id === messageId && role === "user");
    if (at === -1 || text.trim() === "" || this.#run) return null;
    this.#take(fork({ messages: this.#messages, forks: this.#forks }, at, [this.#question(text)]));
    return this.#ask();
  }

  /** Asks for another answer to the last question; the one that is there is kept as another version. */
  async regenerate(): Promise<ChatMessage | null> {
    const at = this.#messages.length - 1;
    if (this.#run || this.#messages[at]?.role !== "assistant") return null;
    this.#abandon();
    const forked = fork({ messages: this.#messages, forks: this.#forks }, at, []);
    this.#take(forked);
    return this.#ask(forked.forkId);
  }

  /** Shows another version of the conversation from a message on. @param index from 0 */
  selectVersion(messageId: string, index: number): void {
    const at = this.#messages.findIndex(({ id }) => id === messageId);
    const selected = this.#run ? null : selectVersion({ messages: this.#messages, forks: this.#forks }, at, index);
    if (!selected) return;
    this.#interrupted = null;
    this.#take(selected);
    this.flush();
    this.#changed();
  }

  /** Remembers what the person thought of an answer; the same again takes it back. */
  rate(messageId: string, rating: "good" | "bad"): "good" | "bad" | null {
    const message = this.#message(messageId);
    if (!message) return null;
    const { rating: before, ...rest } = message;
    const now = before === rating ? null : rating;
    this.#replace(now === null ? rest : { ...rest, rating: now });
    this.flush();
    this.#changed();
    return now;
  }

  /**
   * Decides on a call that waits for a person. Shown at once; taken back, with an error told, when the gateway cannot be told.
   * @returns whether such a call waited and the gateway has heard
   */
  async decide(toolCallId: string, decision: CallDecision & { reason?: string | undefined }): Promise<boolean> {
    const run = this.#run;
    const message = run && this.#message(run.messageId);
    const decided = message && decideCall(message, toolCallId, decision, this.#now());
    if (!run || !decided || run.streamId === null) return false;
    this.#replace(decided);
    this.#changed();
    const { approved, arguments: changed, reason } = decision;
    try {
      await this.#options.transport.sendApproval(run.streamId, {
        toolCallId,
        approved,
        ...(changed === undefined ? {} : { arguments: changed }),
        ...(reason === undefined ? {} : { reason }),
      });
    } catch {
      const now = this.#message(run.messageId);
      const before = message.parts.find((part) => part.type === "tool_call" && part.id === toolCallId);
      if (now && before) {
        this.#replace({ ...now, parts: now.parts.map((part) => (part.type === "tool_call" && part.id === toolCallId ? before : part)) });
        this.#changed();
      }
      this.#fail({ code: "network", message: "A decision on a tool call could not be sent.", retryable: true });
      return false;
    }
    const call = decided.parts.find((part) => part.type === "tool_call" && part.id === toolCallId) as ToolCallPart | undefined;
    if (approved && call?.runsOn === "client") {
      this.#handledCalls.delete(toolCallId);
      const { index, id, name, runsOn } = call;
      void this.#handleCall(run, { type: "tool_call", index, id, name, arguments: call.arguments ?? null, runsOn });
    }
    return true;
  }

  /** Ends the running answer: at once for the person, and at the model as soon as the gateway has heard. What came is kept. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (!run || run.stopped) return;
    run.stopped = true;
    this.#apply(run, { type: "cancelled", reason: "user" });
    this.#end(run);
    // Before the first event the stream has no name yet: `#follow` cancels when it hears one.
    if (run.streamId !== null) await this.#cancel(run);
  }

  /** Asks the last question again; the answer to it is replaced. */
  async retry(): Promise<ChatMessage | null> {
    if (this.#run) return null;
    const at = this.#messages.findLastIndex((message) => message.role === "user");
    if (at === -1) return null;
    const { forkId } = this.#messages[at + 1] ?? {};
    this.#messages = this.#messages.slice(0, at + 1);
    this.#abandon();
    return this.#ask(forkId);
  }

  /** Picks an interrupted answer up where it stopped. `null` when nothing was interrupted; `retry` then asks again. */
  async continue(): Promise<ChatMessage | null> {
    const interrupted = this.#interrupted;
    const message = interrupted && this.#message(interrupted.messageId);
    if (this.#run || !interrupted?.streamId || message?.status !== "interrupted") return null;
    this.#replace(resumeMessage(message));
    const run = this.#begin(interrupted);
    return this.#follow(run, this.#options.transport.resume(interrupted.streamId, interrupted.lastSeq, this.#followOptions(run)));
  }

  /** Forgets the conversation, ends a running answer, and starts an empty one. */
  newConversation(conversationId: string = randomId()): void {
    void this.stop();
    this.#options.store?.remove(this.#conversationId);
    this.#conversationId = conversationId;
    this.#messages = [];
    this.#interrupted = null;
    this.#restored = false;
    this.#forks = {};
    this.#handledCalls.clear();
    this.#changed();
  }

  /** Saves now. Call it on `pagehide`: timers no longer run there. */
  flush(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    if (this.#messages.length === 0) return;
    const run = this.#run ?? this.#interrupted;
    const active = run && { requestId: run.requestId, streamId: run.streamId, lastSeq: run.lastSeq, messageId: run.messageId };
    this.#isShared = true;
    const forks = Object.keys(this.#forks).length > 0 ? { forks: this.#forks } : {};
    this.#options.store?.save(this.#conversationId, { v: 1, messages: this.#messages, active, ...forks });
  }

  /** Stops following and lets go of everything. The run goes on at the gateway; a new session can pick it up. */
  dispose(): void {
    this.flush();
    this.#run = null;
    for (const run of this.#followed) {
      run.follow.abort();
      run.toolSignals.abort();
    }
    this.#disposed.abort();
    this.#listeners.clear();
    this.#chunkListeners.clear();
    this.#errorListeners.clear();
  }

  #question(text: string): ChatMessage {
    return { id: randomId(), role: "user", parts: [{ type: "text", text }], status: "complete", createdAt: this.#now() };
  }

  #take({ messages, forks }: { messages: readonly ChatMessage[]; forks: Forks }): void {
    this.#messages = messages;
    this.#forks = forks;
    this.#isShared = true;
  }

  /** What was cut may still be generated, and nobody will read it. */
  #abandon(): void {
    const abandoned = this.#interrupted?.streamId;
    if (abandoned) void this.#options.transport.cancel(abandoned).catch(() => undefined);
  }

  /** @param forkId of the versions the answer is one of */
  async #ask(forkId?: string): Promise<ChatMessage | null> {
    const answer: ChatMessage = {
      id: randomId(),
      role: "assistant",
      parts: [],
      status: "pending",
      createdAt: this.#now(),
      ...(forkId === undefined ? {} : { forkId }),
    };
    this.#messages = [...this.#messages, answer];
    this.#interrupted = null;
    const run = this.#begin({ requestId: randomId(), streamId: null, lastSeq: 0, messageId: answer.id });
    this.flush();
    return this.#follow(run, this.#options.transport.send(this.#request(run), this.#followOptions(run)));
  }

  #begin(active: ActiveRun): Run {
    const run: Run = {
      ...active,
      follow: new AbortController(),
      toolSignals: new AbortController(),
      metrics: new StreamMetrics({ now: this.#options.now }),
      stopped: false,
      cancelling: null,
    };
    this.#run = run;
    this.#followed.add(run);
    this.#reconnect = null;
    this.#changed();
    return run;
  }

  #request(run: ActiveRun): Parameters<ChatTransport["send"]>[0] {
    const { agentId, tools } = this.#options;
    const before = this.#messages.slice(
      0,
      this.#messages.findIndex((message) => message.id === run.messageId),
    );
    const definitions: ClientToolDefinition[] = Object.entries(tools ?? {}).map(([name, { description, parameters }]) => ({
      name,
      description,
      parameters,
    }));
    return {
      agentId,
      messages: requestMessages(before),
      requestId: run.requestId,
      conversationId: this.#conversationId,
      ...(definitions.length > 0 ? { tools: definitions } : {}),
    };
  }

  #followOptions(run: Run): FollowOptions {
    return {
      signal: run.follow.signal,
      onReconnect: (notice) => {
        if (this.#run !== run) return;
        this.#reconnect = notice;
        this.#changed();
      },
      onConnected: () => {
        if (this.#run !== run) return;
        this.#reconnect = null;
        this.#changed();
      },
      onProtocolError: ({ code, message, retryable }) => this.#fail({ code, message, retryable }),
    };
  }

  async #follow(run: Run, chunks: AsyncIterable<TransportChunk>): Promise<ChatMessage | null> {
    for await (const chunk of chunks) {
      if (chunk.type === "start") run.streamId = chunk.streamId;
      if (run.stopped) {
        if (run.streamId !== null) await this.#cancel(run);
        break;
      }
      if (this.#run !== run) break;
      if (chunk.seq !== undefined) run.lastSeq = chunk.seq;
      run.metrics.chunk(chunk);
      this.#apply(run, chunk);
      for (const call of callsOf(chunk)) void this.#handleCall(run, call);
      // A last event of the log is the run's own end; one that the transport made may be gone on from.
      if (isTerminal(chunk)) this.#end(run, { canGoOn: chunk.seq === undefined });
    }
    this.#followed.delete(run);
    if (this.#run === run) {
      // The transport stopped without a terminal chunk: only a disposed or foreign one does.
      this.#apply(run, {
        type: "error",
        code: "truncated",
        message: "The connection dropped. The answer so far is kept.",
        retryable: true,
      });
      this.#end(run, { canGoOn: true });
    }
    return this.#message(run.messageId) ?? null;
  }

  #apply(run: Run, chunk: TransportChunk): void {
    const message = this.#message(run.messageId);
    if (!message) return;
    const next = reduceMessage(message, chunk, this.#now());
    if (next !== message) this.#replace(next);
    tell(this.#chunkListeners, chunk, next);
    if (chunk.type === "error") this.#fail({ code: chunk.code, message: chunk.message, retryable: chunk.retryable });
    this.#changed();
    if (isTerminal(chunk)) return;
    this.#saveTimer ??= setTimeout(() => this.flush(), SAVE_INTERVAL_MS);
  }

  #end(run: Run, { canGoOn = false } = {}): void {
    if (this.#run !== run) return;
    this.#run = null;
    this.#reconnect = null;
    run.toolSignals.abort();
    const message = this.#message(run.messageId);
    this.#interrupted = canGoOn && message?.status === "interrupted" && run.streamId !== null ? run : null;
    if (message && !message.metrics && run.metrics.ttft !== null) this.#replace({ ...message, metrics: run.metrics.finish(message.usage) });
    this.flush();
    this.#changed();
  }

  #cancel(run: Run): Promise<void> {
    return (run.cancelling ??= run.streamId === null ? Promise.resolve() : this.#tellCancel(run, run.streamId));
  }

  /** Tells the gateway until it has heard: an unheard stop costs tokens until the grace time is over. */
  async #tellCancel(run: Run, streamId: string): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (attempt > 0) await wait(500 * 2 ** (attempt - 1), this.#disposed.signal);
      try {
        await this.#options.transport.cancel(streamId);
        break;
      } catch (error) {
        if (error instanceof ChatError && !error.retryable) break;
      }
    }
    run.follow.abort();
  }

  async #handleCall(run: Run, call: ToolCallChunk): Promise<void> {
    if (this.#handledCalls.has(call.id)) return;
    this.#handledCalls.add(call.id);
    const { tools, onToolCall, transport } = this.#options;
    const runnable = !call.incomplete && !call.invalid && !call.needsApproval;
    const tool = runnable && call.runsOn === "client" && tools && Object.hasOwn(tools, call.name) ? tools[call.name] : undefined;
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
    if (call.runsOn !== "client" || !runnable || run.streamId === null || this.#run !== run) return;
    try {
      await transport.sendToolResult(run.streamId, { toolCallId: call.id, ...result });
    } catch {
      this.#fail({ code: "network", message: "A tool's result could not be sent.", retryable: true });
    }
  }

  /** A tool that ran in a page that is gone will not answer: the model is told, instead of waiting for its timeout. */
  #answerLostTools(streamId: string | null, message: ChatMessage): void {
    if (streamId === null) return;
    for (const part of message.parts) {
      if (part.type !== "tool_call" || part.runsOn !== "client" || part.state !== "running") continue;
      const error = "The page was reloaded while the tool ran.";
      void this.#options.transport.sendToolResult(streamId, { toolCallId: part.id, error }).catch(() => undefined);
    }
  }

  #takeSnapshot(): SessionSnapshot {
    this.#isShared = true;
    const last = this.#messages.findLast((message) => message.role === "assistant");
    const metrics = this.#run?.metrics;
    return {
      messages: this.#messages,
      state: this.#state(last),
      isStreaming: this.#run !== null,
      reconnect: this.#reconnect,
      ttft: metrics ? metrics.ttft : (last?.metrics?.ttft ?? null),
      tokensPerSecond: metrics ? metrics.liveTokensPerSecond : (last?.metrics?.tokensPerSecond ?? null),
      conversationId: this.#conversationId,
      restored: this.#restored,
      forks: this.#forks,
    };
  }

  #state(answer: ChatMessage | undefined): SessionState {
    if (!this.#run) return answer?.status === "interrupted" || answer?.status === "error" ? answer.status : "idle";
    if (this.#reconnect) return "reconnecting";
    if (answer?.parts.some((part) => part.type === "tool_call" && part.state === "needs-approval")) return "awaiting-approval";
    const part = answer?.parts.at(-1);
    if (part?.type === "tool_call" && part.state === "running") return "tool";
    return answer?.status === "pending" ? "connecting" : "streaming";
  }

  #message(id: string): ChatMessage | undefined {
    // Nearly always the last one.
    return this.#messages.findLast((message) => message.id === id);
  }

  #replace(next: ChatMessage): void {
    const at = this.#messages.findLastIndex((message) => message.id === next.id);
    if (at === -1) return;
    // A copy per token would cost a long conversation dearly; one per snapshot is enough.
    if (this.#isShared) this.#messages = this.#messages.slice();
    this.#isShared = false;
    (this.#messages as ChatMessage[])[at] = next;
  }

  #changed(): void {
    this.#snapshot = null;
    tell(this.#listeners);
  }

  #fail(error: SessionError): void {
    tell(this.#errorListeners, error);
  }
}

/** The calls a chunk asks for. In a snapshot those that have no result yet: the others ran already. */
function callsOf(chunk: StreamChunk): ToolCallChunk[] {
  if (chunk.type === "tool_call") return [chunk];
  if (chunk.type !== "snapshot") return [];
  const { chunks } = chunk.message;
  const answered = new Set(chunks.flatMap((part) => (part.type === "tool_result" ? [part.id] : [])));
  return chunks.filter((part) => part.type === "tool_call").filter(({ id }) => !answered.has(id));
}

/** A view that throws must not end the answer: its error goes where uncaught errors go. */
function tell<Values extends unknown[]>(listeners: ReadonlySet<(...values: Values) => void>, ...values: Values): void {
  for (const listener of listeners) {
    try {
      listener(...values);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
