/**
 * The agent's turns: model → complete calls → tools → results → model, at most `maxSteps` times, as one stream of chunks.
 *
 * - A call runs once, and only when it is complete, parsed, and fits the tool's schema; any other is answered to the model as an error.
 * - A call that needs approval waits for a person. What was decided is told before the call runs.
 * - Calls of one turn run side by side, except those of tools that may not; each result is told when it is there.
 * - The calls of all turns are numbered through, so `index` and `id` are unique in the stream.
 * - The last permitted turn is asked with `toolChoice: "none"`: the model has to answer with what it has.
 */
import type { StreamChunk, TerminalChunk, TokenChunk, ToolCallChunk, ToolResultChunk, Usage } from "../../shared/protocol/chunk.ts";
import type {
  ApprovalRequest,
  ClientToolDefinition,
  RequestImage,
  RequestMessage,
  ToolResultRequest,
} from "../../shared/protocol/request.ts";
import { ERROR_MESSAGES, errorChunk, GatewayError } from "../errors.ts";
import type { ModelTurn, NativeContent, Provider, ReasoningEffort, TurnMessage } from "../providers/provider.ts";
import { CallNumbering } from "./call-numbering.ts";
import { openCall, type OpenCall } from "./open-call.ts";
import { Outbox } from "./outbox.ts";
import type { PendingCalls } from "./pending-calls.ts";
import { runTool, type ToolAnswer } from "./run-tool.ts";
import { splitPicture } from "./tool-picture.ts";
import { TextParts } from "./text-parts.ts";
import type { Tool } from "./tool.ts";

export interface ToolLoopOptions {
  provider: Provider;
  /** The provider's id of the model. */
  model: string;
  instructions: string;
  messages: readonly RequestMessage[];
  tools: readonly Tool[];
  /** Tools of the page or extension that asked. */
  clientTools: readonly ClientToolDefinition[];
  clientResults: PendingCalls<ToolResultRequest>;
  approvals: PendingCalls<ApprovalRequest>;
  signal: AbortSignal;
  /** Most model turns. @defaultValue `8` */
  maxSteps?: number | undefined;
  /** Most calls of one turn that run; the others are answered as errors. @defaultValue `32` */
  maxCallsPerTurn?: number | undefined;
  /** Most output tokens of one turn. @defaultValue the provider's own */
  maxOutputTokens?: number | undefined;
  /** How much a model that can think is to think. @defaultValue the provider's own */
  reasoning?: ReasoningEffort | undefined;
  /** Longest run of a tool here, in ms, unless the tool says otherwise. @defaultValue `30_000` */
  toolTimeoutMs?: number | undefined;
  /** Longest wait for a tool that runs in the client, in ms. @defaultValue `120_000` */
  clientToolTimeoutMs?: number | undefined;
  /** Longest wait for a person's approval, in ms. @defaultValue `600_000` */
  approvalTimeoutMs?: number | undefined;
  /** Each decision of a person, for the log. */
  onDecision?: ((decision: ApprovalRequest, call: ToolCallChunk) => void) | undefined;
  onDetail?: ((detail: string) => void) | undefined;
  /** Takes the tokens in place of the generator. */
  onToken?: ModelTurn["onToken"];
}

/** What the model said in one turn: its text, which every token comes to, and what goes with it. */
class Turn extends TextParts {
  terminal: TerminalChunk | undefined;
  readonly calls: OpenCall[] = [];
  /** A call waits for a person, who may have something to say beside the model. */
  awaitsPerson = false;
  native: NativeContent | undefined;
  /** A call has another id here than at the provider, whose own form would then name a call that nobody answers. */
  isRenamed = false;
  usage: Usage | undefined;
}

export async function* toolLoop(options: ToolLoopOptions): AsyncGenerator<StreamChunk, void, undefined> {
  const {
    maxSteps = 8,
    maxCallsPerTurn = 32,
    toolTimeoutMs = 30_000,
    clientToolTimeoutMs = 120_000,
    approvalTimeoutMs = 600_000,
  } = options;
  const messages: TurnMessage[] = [...options.messages];
  const specifications = [...options.tools, ...options.clientTools].map(({ name, description, parameters }) => ({
    name,
    description,
    parameters,
  }));
  const numbering = new CallNumbering();
  const citations = new Citations();
  const outbox = new Outbox();
  let usage: Usage | undefined;

  for (let step = 1; ; step++) {
    const last = step >= maxSteps;
    const turn = new Turn();
    // Not a generator of its own: delegating to one costs several promises per token.
    const chunks = startTurn(turn, last && step > 1)[Symbol.asyncIterator]();
    try {
      let next = chunks.next();
      while (!turn.terminal) {
        const result = await (turn.awaitsPerson ? Promise.race([next, outbox.filled()]) : next);
        // Delegating costs promises even where there is nothing to tell.
        if (!outbox.isEmpty) yield* outbox.take();
        if (result === undefined) continue;
        if (result.done) break;
        const told = take(turn, result.value);
        if (told?.type === "token" && options.onToken) {
          const wait = options.onToken(told);
          if (wait && !(await wait)) return;
        } else if (told) yield told;
        if (!turn.terminal) next = chunks.next();
      }
    } finally {
      await chunks.return?.();
    }
    const terminal = turn.terminal ?? errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut }));
    usage = addUsage(usage, turn.usage);
    if (turn.usage && usage) yield { type: "usage", ...usage };
    const toAnswer = turn.calls.filter(({ chunk }) => chunk.runsOn !== "provider");
    const callsTools = terminal.type === "done" && terminal.reason === "tool_calls" && toAnswer.length > 0;
    const goesOn = callsTools && !last;
    if (terminal.type === "done" && (goesOn || step > 1)) {
      yield { type: "step", n: step, reason: terminal.reason, ...(turn.usage ? { usage: turn.usage } : {}) };
    }
    if (!goesOn) {
      const why = callsTools ? `Not run: the limit of ${maxSteps} model turns is reached.` : "Not run: the answer ended before.";
      if (terminal.type === "done") yield* answerUnrun(toAnswer, why);
      if (callsTools) options.onDetail?.(`the model still called tools in turn ${step}, the last one permitted`);
      yield terminal.type === "done" ? { ...terminal, ...(usage ? { usage } : {}) } : terminal;
      return;
    }
    messages.push({
      role: "assistant",
      content: turn.toString(),
      toolCalls: toAnswer.map(({ chunk: { id, name }, input }) => ({ id, name, arguments: input })),
      ...(turn.native && !turn.isRenamed ? { native: turn.native } : {}),
    });
    const answers = yield* runCalls(toAnswer);
    const images: RequestImage[] = [];
    for (const { chunk } of toAnswer) {
      const { id, name } = chunk;
      const { text, image } = splitPicture(answers.get(id)?.modelText ?? "");
      if (image) images.push(image);
      messages.push({ role: "tool", toolCallId: id, name, content: text });
    }
    // Not every provider takes pictures in a tool's result; in a user's message all do that take any.
    if (images.length > 0) messages.push({ role: "user", content: "The picture the tool returned.", images });
  }

  function startTurn(turn: Turn, last: boolean): AsyncIterable<StreamChunk> {
    numbering.beginTurn();
    return options.provider.stream({
      model: options.model,
      instructions: options.instructions,
      messages,
      tools: specifications,
      ...(last ? { toolChoice: "none" as const } : {}),
      maxOutputTokens: options.maxOutputTokens,
      reasoning: options.reasoning,
      signal: options.signal,
      onNative: (native) => (turn.native = native),
      onDetail: options.onDetail,
      onToken: options.onToken && tokenSink(turn, options.onToken),
    });
  }

  /** Notes what a chunk means for the turn, begins the waits of a call, and gives what is to be told of it. */
  function take(turn: Turn, chunk: StreamChunk): StreamChunk | undefined {
    switch (chunk.type) {
      case "token":
        noteText(turn, chunk);
        return chunk;
      case "reasoning":
        return chunk;
      case "tool_call_delta":
        return numbering.delta(chunk);
      case "tool_call": {
        const call = openCall(numbering.call(chunk), options);
        if (call.chunk.id !== chunk.id) turn.isRenamed = true;
        if (turn.calls.length >= maxCallsPerTurn && call.chunk.runsOn !== "provider")
          call.fault ??= `More than ${maxCallsPerTurn} calls in one turn: this one was not run.`;
        turn.calls.push(call);
        // A wait begins before the client is told of the call, so that no answer of its can come too early.
        if (call.fault === undefined) beginWaits(turn, call);
        return call.chunk;
      }
      case "usage": {
        const { type: _, ...figures } = chunk;
        turn.usage = figures;
        return undefined;
      }
      case "source":
        return { ...chunk, id: String(citations.reserve(1)) };
      case "done":
      case "error":
      case "cancelled":
        turn.terminal = chunk;
        if (chunk.type === "done" && chunk.usage) turn.usage = chunk.usage;
        return undefined;
      // What else a provider's stream may hold (`start`, `step` …) is the gateway's to say.
      default:
        return undefined;
    }
  }

  function beginWaits(turn: Turn, call: OpenCall): void {
    const { chunk } = call;
    if (!chunk.needsApproval) {
      if (chunk.runsOn === "client") awaitClient(call);
      return;
    }
    call.approval = options.approvals
      .expect(chunk.id, within(approvalTimeoutMs), (decision) => checkEdit(call, decision))
      .then((decision) => {
        options.onDecision?.(decision, chunk);
        if (decision.approved && chunk.runsOn === "client") awaitClient(call);
        const { approved, arguments: edited, reason } = decision;
        outbox.push({
          type: "approval",
          id: chunk.id,
          approved,
          ...(edited === undefined || !approved ? {} : { arguments: edited }),
          ...(reason === undefined ? {} : { reason }),
        });
        return decision;
      });
    // When the answer ends before, nobody else hears of it.
    call.approval.catch(() => undefined);
    turn.awaitsPerson = true;
  }

  function awaitClient(call: OpenCall): void {
    call.clientAnswer = options.clientResults.expect(call.chunk.id, within(clientToolTimeoutMs));
    call.clientAnswer.catch(() => undefined);
  }

  function within(ms: number): AbortSignal {
    return AbortSignal.any([options.signal, AbortSignal.timeout(ms)]);
  }

  /** Runs a turn's calls and tells each result when it is there. */
  async function* runCalls(calls: readonly OpenCall[]): AsyncGenerator<StreamChunk, Map<string, ToolAnswer>, undefined> {
    const answers = new Map<string, ToolAnswer>();
    const running = new Map<string, Promise<ToolAnswer>>();
    let lastAlone: Promise<unknown> | undefined;
    for (const call of calls) {
      const isAlone = call.tool?.parallel === false;
      const answer = runTool(call, {
        signal: options.signal,
        turn: isAlone ? Promise.all(running.values()) : lastAlone,
        toolTimeoutMs,
        clientToolTimeoutMs,
        approvalTimeoutMs,
        reserveCitations: (count) => citations.reserve(count),
        onProgress: (progress) => outbox.push(progress),
        onDetail: options.onDetail,
      });
      running.set(call.chunk.id, answer);
      if (isAlone) lastAlone = answer;
    }
    while (running.size > 0) {
      const answer = await Promise.race([...running.values(), outbox.filled()]);
      // A decision is told before what came of it.
      yield* outbox.take();
      if (!answer) continue;
      running.delete(answer.chunk.id);
      answers.set(answer.chunk.id, answer);
      yield answer.chunk;
      yield* answer.sources;
    }
    return answers;
  }
}

/** @throws GatewayError `bad_request` for edited arguments that do not fit the tool. The call goes on waiting. */
function checkEdit(call: OpenCall, { arguments: edited }: ApprovalRequest): void {
  const complaint = edited === undefined ? undefined : call.check(edited);
  if (complaint !== undefined)
    throw new GatewayError("bad_request", { field: "arguments", message: `arguments do not fit the tool: ${complaint}.` });
}

/** Calls of a turn after which nothing follows are told as not run, so that no card waits for ever. */
function* answerUnrun(calls: readonly OpenCall[], error: string): Generator<ToolResultChunk> {
  for (const { chunk, fault } of calls) yield { type: "tool_result", id: chunk.id, name: chunk.name, error: fault ?? error, ms: 0 };
}

/** Numbers of citations, unique in the run. */
class Citations {
  #next = 1;

  reserve(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

function addUsage(sum: Usage | undefined, added: Usage | undefined): Usage | undefined {
  if (!sum || !added) return sum ?? added;
  const total: { [Key in keyof Usage]: number } = { ...sum };
  for (const key of Object.keys(added) as (keyof Usage)[]) total[key] = (total[key] ?? 0) + (added[key] ?? 0);
  return total;
}

/** Apart from the loop, whose variables a token would go through one by one to come to these two. */
function tokenSink(turn: Turn, onToken: NonNullable<ToolLoopOptions["onToken"]>): typeof onToken {
  return (token) => {
    // A provider that goes on after its end is not listened to.
    if (turn.terminal) return Promise.resolve(false);
    noteText(turn, token);
    return onToken(token);
  };
}

/** Also for a model that was given no tools: some call one all the same, and would not know what they said before. */
function noteText(turn: Turn, { content, refusal }: TokenChunk): void {
  if (!refusal) turn.push(content);
}
