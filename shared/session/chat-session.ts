/**
 * One conversation: what was said, what is being said, and how it goes on. Knows no DOM and no wire; the widget, the side
 * panel and the React hook are views of it.
 *
 * The latest run wins: each send has its own `Run`, and a chunk of an older one is dropped.
 */
import type { ChatErrorCode } from "../errors.ts";
import { StreamMetrics } from "../metrics/stream-metrics.ts";
import { isTerminal } from "../protocol/chunk.ts";
import type { ApprovalRequest } from "../protocol/request.ts";
import type { ChatTransport, FollowOptions, ReconnectNotice, TransportChunk } from "../transport/transport.ts";
import type { ClientTools, ToolHost, ToolRun } from "./client-tools.ts";
import type { ActiveRun, ConversationStore } from "./conversation-store.ts";
import { insist, isSettled } from "./insist.ts";
import { question, type ChatMessage, type ContextPart } from "./message.ts";
import { randomId } from "../random-id.ts";
import { reduceMessage, resumeMessage } from "./reduce.ts";
import { requestMessages, type ContextSource } from "./request-messages.ts";
import type { Conversation, Forks } from "./versions.ts";

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

export interface ChatSessionOptions {
  transport: ChatTransport;
  agentId: string;
  /** @defaultValue a random id */
  conversationId?: string | undefined;
  /** Where the conversation survives a reload; `null` keeps it in memory only. @defaultValue `null` */
  store?: ConversationStore | null | undefined;
  /** Tools that run here. */
  tools?: ClientTools | undefined;
  /** What is sent along with the person's words; `pageContext` makes one of texts of web pages. */
  context?: ContextSource | undefined;
  /** Clock in ms since the epoch. @defaultValue `Date.now` */
  now?: (() => number) | undefined;
}

/** How often an answer in progress is saved, in ms. */
const SAVE_INTERVAL_MS = 250;

interface Run extends Omit<ActiveRun, "results">, ToolRun {
  follow: AbortController;
  metrics: StreamMetrics;
  /** The person stopped it: nothing of it is shown any more. */
  stopped: boolean;
  /** The one attempt to tell the gateway about it. */
  cancelling: Promise<void> | null;
}

export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #chunkListeners = new Set<(chunk: TransportChunk, message: ChatMessage) => void>();
  readonly #errorListeners = new Set<(error: SessionError) => void>();
  /** Runs that are followed, stopped ones too until the gateway has heard. */
  readonly #followed = new Set<Run>();
  readonly #disposed = new AbortController();

  readonly #toolHost: ToolHost = {
    message: ({ messageId }) => this.#message(messageId),
    isRunning: (run) => this.#run === run,
    save: () => this.flush(),
    fail: (error) => this.#fail(error),
    sendToolResult: (streamId, result) => this.#options.transport.sendToolResult(streamId, result),
  };

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

  /** Whether what goes along with a question reaches the model. */
  get carriesContext(): boolean {
    return !!this.#options.context;
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
    this.#options.tools?.restore(stored);
    this.#changed();
    const { active } = stored;
    const message = active && this.#message(active.messageId);
    if (!active || !message) return;
    this.#replace(resumeMessage(message));
    const run = this.#begin(active);
    this.#options.tools?.takeUp(run, this.#toolHost);
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
   * @param along what goes with the words, such as files; only a session with a `context` carries it to the model
   */
  async send(text: string, along: readonly ContextPart[] = []): Promise<ChatMessage | null> {
    if ((text.trim() === "" && !along.length) || this.#run) return null;
    const asked = question(text, this.#now(), along);
    this.#messages = [...this.#messages, asked];
    return this.#ask(undefined, asked);
  }

  /** What was said, other versions included, and the way to change it: `editMessage`, `regenerate`, `selectVersion` and `rate` go through here. */
  get conversation(): Conversation {
    return { messages: this.#messages, forks: this.#forks };
  }

  /** Puts a changed conversation in place. While an answer runs nothing of its message may change. */
  rewrite({ messages, forks }: Conversation): void {
    this.#messages = messages;
    this.#forks = forks;
    this.#isShared = true;
    this.flush();
    this.#changed();
  }

  /**
   * Asks with the conversation as it is. `null` while an answer runs. What was cut before is given up: nobody will read it.
   * @param forkId of the versions the answer is one of
   */
  async ask(forkId?: string): Promise<ChatMessage | null> {
    if (this.#run) return null;
    const abandoned = this.#interrupted?.streamId;
    if (abandoned) void this.#options.transport.cancel(abandoned).catch(() => undefined);
    return this.#ask(forkId);
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
    const at = this.#run ? -1 : this.#messages.findLastIndex((message) => message.role === "user");
    if (at === -1) return null;
    const { forkId } = this.#messages[at + 1] ?? {};
    this.#messages = this.#messages.slice(0, at + 1);
    return this.ask(forkId);
  }

  /**
   * Says whether a call that waits for approval may run, perhaps with other arguments. The card changes when the gateway has told
   * everybody. `false` when there was nothing to decide any more: somebody else did, or the answer has ended.
   * @throws ChatError `bad_request` for arguments that do not fit the tool (the call goes on waiting), `network` when the gateway was not reached.
   */
  async respondToApproval(toolCallId: string, decision: Omit<ApprovalRequest, "toolCallId">): Promise<boolean> {
    const run = this.#run;
    if (!run || run.streamId === null) return false;
    const { streamId } = run;
    try {
      await insist(5, run.toolSignals.signal, () => this.#options.transport.sendApproval(streamId, { toolCallId, ...decision }));
      return true;
    } catch (error) {
      if (isSettled(error) || this.#run !== run) return false;
      throw error;
    }
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
    this.#options.tools?.forget();
    this.#forks = {};
    this.#changed();
  }

  /** Saves now. Call it on `pagehide`: timers no longer run there. */
  flush(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    if (this.#messages.length === 0) return;
    const run = this.#run ?? this.#interrupted;
    const active = run && {
      requestId: run.requestId,
      streamId: run.streamId,
      lastSeq: run.lastSeq,
      messageId: run.messageId,
      results: run.results,
    };
    this.#isShared = true;
    this.#options.store?.save(this.#conversationId, { v: 1, messages: this.#messages, active, forks: this.#forks });
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

  /** @param forkId of the versions the answer is one of @param asked the question, when it is new: what goes along with it is gathered first */
  async #ask(forkId?: string, asked?: ChatMessage): Promise<ChatMessage | null> {
    // Ids of calls are unique in one answer only.
    this.#options.tools?.forget();
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
    if (asked && this.#options.context) await this.#gather(asked, this.#options.context);
    // Stopped or replaced while it was gathered.
    if (this.#run !== run) {
      this.#followed.delete(run);
      return this.#message(answer.id) ?? null;
    }
    return this.#follow(run, this.#options.transport.send(this.#request(run), this.#followOptions(run)));
  }

  async #gather(asked: ChatMessage, { gather }: ContextSource): Promise<void> {
    try {
      const parts = await gather();
      if (parts.length === 0 || !this.#message(asked.id)) return;
      this.#replace({ ...asked, parts: [...parts, ...asked.parts] });
      this.#changed();
      this.flush();
    } catch (error) {
      const message = error instanceof Error ? error.message : "What was to be sent along could not be read.";
      this.#fail({ code: "bad_request", message, retryable: false });
    }
  }

  #begin(active: ActiveRun): Run {
    const run: Run = {
      results: [],
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
    const definitions = tools?.definitions ?? [];
    return {
      agentId,
      messages: requestMessages(before, this.#options.context),
      requestId: run.requestId,
      conversationId: this.#conversationId,
      ...(definitions.length > 0 ? { tools: definitions } : {}),
    };
  }

  #followOptions(run: Run): FollowOptions {
    const onReconnect = (notice: ReconnectNotice | null): void => {
      if (this.#run !== run) return;
      this.#reconnect = notice;
      this.#changed();
    };
    return {
      signal: run.follow.signal,
      onReconnect,
      onConnected: () => onReconnect(null),
      onProtocolError: (error) => this.#fail(error),
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
      if (chunk.type === "tool_result") run.results = run.results.filter(({ toolCallId }) => toolCallId !== chunk.id);
      run.metrics.chunk(chunk);
      this.#apply(run, chunk);
      this.#options.tools?.hear(run, chunk, this.#toolHost);
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
    if (chunk.type === "error") this.#fail(chunk);
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
    await insist(3, this.#disposed.signal, () => this.#options.transport.cancel(streamId)).catch(() => undefined);
    run.follow.abort();
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

  #fail({ code, message, retryable }: SessionError): void {
    tell(this.#errorListeners, { code, message, retryable });
  }
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
