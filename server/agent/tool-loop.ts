/**
 * The agent's turns: model → complete calls → tools → results → model, at most `maxSteps` times, as one stream of chunks.
 *
 * - A call runs once, and only when it is complete and parsed; an incomplete or invalid one is answered to the model as an error.
 * - Calls of one turn run side by side; each result is told when it is there.
 * - The calls of all turns are numbered through, so `index` and `id` are unique in the stream.
 * - The last permitted turn is asked with `toolChoice: "none"`: the model has to answer with what it has.
 */
import type { StreamChunk, TerminalChunk, ToolCallChunk, ToolResultChunk, TokenChunk, Usage } from "../../shared/protocol/chunk.ts";
import type { ClientToolDefinition, RequestMessage } from "../../shared/protocol/request.ts";
import { ERROR_MESSAGES, errorChunk, GatewayError } from "../errors.ts";
import type { Provider } from "../providers/provider.ts";
import type { ClientToolResults } from "./client-tools.ts";
import { runTool, type ToolAnswer } from "./run-tool.ts";
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
  clientResults: ClientToolResults;
  signal: AbortSignal;
  /** Most model turns. @defaultValue `8` */
  maxSteps?: number;
  /** Longest run of a tool here, in ms, unless the tool says otherwise. @defaultValue `30_000` */
  toolTimeoutMs?: number;
  /** Longest wait for a tool that runs in the client, in ms. @defaultValue `120_000` */
  clientToolTimeoutMs?: number;
  onDetail?: (detail: string) => void;
  /**
   * Takes tokens in place of the generator, which would cost several promises for each. A promise says that no more can be taken
   * until it resolves; with `false` nobody wants more, and the loop ends.
   */
  onToken?: ((token: TokenChunk) => Promise<boolean> | undefined) | undefined;
}

interface Turn {
  text: string;
  calls: ToolCallChunk[];
  terminal: TerminalChunk | undefined;
  usage: Usage | undefined;
}

export async function* toolLoop(options: ToolLoopOptions): AsyncGenerator<StreamChunk, void, undefined> {
  const maxSteps = options.maxSteps ?? 8;
  const messages = [...options.messages];
  const specifications = [...options.tools, ...options.clientTools].map(({ name, description, parameters }) => ({
    name,
    description,
    parameters,
  }));
  const numbering = new CallNumbering();
  const citations = new Citations();
  const pending = new Map<string, Promise<ToolAnswer>>();
  let usage: Usage | undefined;

  for (let step = 1; ; step++) {
    const last = step >= maxSteps;
    const turn: Turn = { text: "", calls: [], terminal: undefined, usage: undefined };
    // Not a generator of its own: delegating to one costs several promises per token.
    for await (const chunk of startTurn(last && step > 1)) {
      const told = take(turn, chunk);
      if (told?.type === "token" && options.onToken) {
        const wait = options.onToken(told);
        if (wait && !(await wait)) return;
      } else if (told) yield told;
      if (turn.terminal) break;
    }
    const terminal = turn.terminal ?? errorChunk(new GatewayError("provider_error", { message: ERROR_MESSAGES.answerCut }));
    usage = addUsage(usage, turn.usage);
    if (turn.usage && usage) yield { type: "usage", ...usage };
    const toAnswer = turn.calls.filter((call) => call.runsOn !== "provider");
    const goesOn = terminal.type === "done" && terminal.reason === "tool_calls" && toAnswer.length > 0 && !last;
    if (terminal.type === "done" && (goesOn || step > 1)) {
      yield { type: "step", n: step, reason: terminal.reason, ...(turn.usage ? { usage: turn.usage } : {}) };
    }
    if (!goesOn) {
      if (terminal.type === "done") yield* answerUnrun(turn.calls);
      yield terminal.type === "done" ? { ...terminal, ...(usage ? { usage } : {}) } : terminal;
      return;
    }
    messages.push({
      role: "assistant",
      content: turn.text,
      toolCalls: toAnswer.map(({ id, name, arguments: input }) => ({ id, name, arguments: input })),
    });
    const answers = yield* runCalls(toAnswer);
    for (const call of toAnswer) {
      messages.push({ role: "tool", toolCallId: call.id, name: call.name, content: answers.get(call.id)?.modelText ?? "" });
    }
  }

  function startTurn(last: boolean): AsyncIterable<StreamChunk> {
    numbering.beginTurn();
    return options.provider.stream({
      model: options.model,
      instructions: options.instructions,
      messages,
      tools: specifications,
      ...(last ? { toolChoice: "none" as const } : {}),
      signal: options.signal,
      ...(options.onDetail ? { onDetail: options.onDetail } : {}),
    });
  }

  /** Notes what a chunk means for the turn, starts a call that came complete, and gives what is to be told of it. */
  function take(turn: Turn, chunk: StreamChunk): StreamChunk | undefined {
    switch (chunk.type) {
      case "token":
        if (!chunk.refusal) turn.text += chunk.content;
        return chunk;
      case "reasoning":
        return chunk;
      case "tool_call_delta":
        return numbering.delta(chunk);
      case "tool_call": {
        const call = placed(numbering.call(chunk));
        turn.calls.push(call);
        // The wait begins before the client is told, so that no answer of its can come too early.
        if (call.runsOn === "client" && runnable(call)) pending.set(call.id, begin(call));
        return call;
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

  function placed(call: ToolCallChunk): ToolCallChunk {
    if (call.runsOn === "provider") return call;
    return { ...call, runsOn: options.clientTools.some((tool) => tool.name === call.name) ? "client" : "server" };
  }

  function begin(call: ToolCallChunk): Promise<ToolAnswer> {
    return runTool(call, {
      tool: options.tools.find((tool) => tool.name === call.name),
      clientResults: options.clientResults,
      signal: options.signal,
      toolTimeoutMs: options.toolTimeoutMs ?? 30_000,
      clientToolTimeoutMs: options.clientToolTimeoutMs ?? 120_000,
      reserveCitations: (count) => citations.reserve(count),
      ...(options.onDetail ? { onDetail: options.onDetail } : {}),
    });
  }

  /** Runs a turn's calls side by side and tells each result when it is there. */
  async function* runCalls(calls: readonly ToolCallChunk[]): AsyncGenerator<StreamChunk, Map<string, ToolAnswer>, undefined> {
    const answers = new Map<string, ToolAnswer>();
    const running = new Map<string, Promise<ToolAnswer>>();
    for (const call of calls) running.set(call.id, pending.get(call.id) ?? begin(call));
    pending.clear();
    while (running.size > 0) {
      const answer = await Promise.race(running.values());
      running.delete(answer.chunk.id);
      answers.set(answer.chunk.id, answer);
      yield answer.chunk;
      yield* answer.sources;
    }
    return answers;
  }
}

/** Calls of a turn after which nothing follows are told as not run, so that no card waits for ever. */
function* answerUnrun(calls: readonly ToolCallChunk[]): Generator<ToolResultChunk> {
  for (const call of calls) {
    if (call.runsOn === "provider" || !runnable(call)) continue;
    yield { type: "tool_result", id: call.id, name: call.name, error: "Not run: the answer ended before.", ms: 0 };
  }
}

function runnable(call: ToolCallChunk): boolean {
  return !call.incomplete && !call.invalid;
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

/** Providers number calls from 0 in every turn, and some reuse ids; in the stream both are unique. */
class CallNumbering {
  readonly #ids = new Set<string>();
  #byIndex = new Map<number, { index: number; id: string }>();
  #count = 0;

  beginTurn(): void {
    this.#byIndex = new Map();
  }

  delta(chunk: StreamChunk & { type: "tool_call_delta" }): StreamChunk {
    const slot = this.#slot(chunk.index, chunk.id);
    return { ...chunk, index: slot.index, ...(chunk.id === undefined ? {} : { id: slot.id }) };
  }

  call(chunk: ToolCallChunk): ToolCallChunk {
    return { ...chunk, ...this.#slot(chunk.index, chunk.id) };
  }

  #slot(index: number, id: string | undefined): { index: number; id: string } {
    let slot = this.#byIndex.get(index);
    if (!slot) {
      slot = { index: this.#count++, id: "" };
      this.#byIndex.set(index, slot);
    }
    if (!slot.id && id !== undefined) {
      const base = id || `call_${slot.index}`;
      slot.id = this.#ids.has(base) ? `${base}_${slot.index}` : base;
      this.#ids.add(slot.id);
    }
    return slot;
  }
}

function addUsage(sum: Usage | undefined, added: Usage | undefined): Usage | undefined {
  if (!sum || !added) return sum ?? added;
  const total: { [Key in keyof Usage]: number } = { ...sum };
  for (const key of Object.keys(added) as (keyof Usage)[]) total[key] = (total[key] ?? 0) + (added[key] ?? 0);
  return total;
}
