/**
 * Fragments of tool calls → the calls, once each, whatever the provider.
 *
 * The rules, each from a stream that breaks a simpler accumulator:
 * - A fragment belongs to the call with its id; else to the one with its index; else to the last open call. A fragment with
 *   neither id nor name begins no call: at an index of its own it goes on with the last one.
 * - A new id on a used index opens a new call and takes the index over (providers that send index 0 for every parallel call).
 * - A later empty id or name never overwrites (Mistral sends `name: ""` from the second fragment on).
 * - A call is complete only when the provider says so, never because its text parses: `1` then `2` is 12.
 * - No arguments at all are `{}`. Arguments given as an object are taken as they are.
 * - Text that is cut off makes the call `incomplete`, text that is no JSON `invalid`; neither may run.
 * - A fragment for a call that already ended is reported and dropped: no ghost call.
 */
import { ChatError } from "../errors.ts";
import type { JsonValue } from "../protocol/chunk.ts";

export interface ToolCallFragment {
  /** The provider's index, from 0 or from 1, or none. */
  index?: number | undefined;
  id?: string | null | undefined;
  name?: string | null | undefined;
  /** A piece of JSON text, or the whole arguments as an object. */
  arguments?: string | JsonValue | undefined;
}

/** A call as it stands; `index` is its order of appearance, from 0. */
export interface ToolCallView {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly argumentsText: string;
}

export interface CompletedToolCall extends ToolCallView {
  /** `null` exactly when `incomplete` or `invalid`. */
  readonly arguments: JsonValue;
  readonly incomplete?: true;
  readonly invalid?: true;
  /** The text held a `{}` placeholder before the real object; the last object counts. */
  readonly repaired?: true;
}

/** What one fragment added, in our numbering. `id` and `name` are there when they became known with it. */
export interface ToolCallProgress {
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}

export interface FinishOptions {
  /** The stream was cut: what is open is incomplete even if its text parses. */
  cut?: boolean;
}

export interface ToolCallAccumulator {
  /** Adds a fragment. `null` when it was late and dropped (see `onLate`). */
  feed(fragment: ToolCallFragment): ToolCallProgress | null;
  /** The provider ended one call (Anthropic's `content_block_stop`). `null` when no such call is open. */
  complete(key: { id?: string | undefined; index?: number | undefined }): CompletedToolCall | null;
  /** The provider ended the turn, or the stream was cut: every call still open, in order. */
  finish(options?: FinishOptions): CompletedToolCall[];
  /** The calls that are still open, as they stand. */
  open(): ToolCallView[];
  reset(): void;
}

interface Call {
  readonly index: number;
  id: string;
  name: string;
  fragments: string[];
  value: JsonValue | undefined;
  ended: boolean;
}

export function createToolCallAccumulator(options: { onLate?: (error: ChatError) => void } = {}): ToolCallAccumulator {
  let calls: Call[] = [];
  let byId = new Map<string, Call>();
  let byIndex = new Map<number, Call>();
  let last: Call | undefined;

  function find(fragment: ToolCallFragment): Call | undefined {
    if (fragment.id) {
      const known = byId.get(fragment.id);
      if (known) return known;
      const atIndex = fragment.index === undefined ? undefined : byIndex.get(fragment.index);
      return atIndex && atIndex.id === "" && !atIndex.ended ? atIndex : undefined;
    }
    const atIndex = fragment.index === undefined ? undefined : byIndex.get(fragment.index);
    if (atIndex || (fragment.index !== undefined && fragment.name)) return atIndex;
    return calls.findLast((call) => !call.ended) ?? last;
  }

  function create(fragment: ToolCallFragment): Call {
    const call: Call = { index: calls.length, id: "", name: "", fragments: [], value: undefined, ended: false };
    calls.push(call);
    if (fragment.index !== undefined) byIndex.set(fragment.index, call);
    return call;
  }

  function end(call: Call, cut: boolean): CompletedToolCall {
    call.ended = true;
    // Made-up ids differ between turns: a call is known by its id for the whole run.
    if (call.id === "") call.id = `call_${call.index}_${crypto.getRandomValues(new Uint32Array(1)).join("")}`;
    const text = call.fragments.join("");
    call.fragments = [text];
    const view = { index: call.index, id: call.id, name: call.name, argumentsText: text };
    if (call.value !== undefined) return { ...view, arguments: call.value };
    return { ...view, ...readArguments(text, cut) };
  }

  return {
    feed(fragment) {
      let call = find(fragment);
      if (call?.ended) {
        options.onLate?.(new ChatError("bad_frame", `A late fragment of the tool call "${call.id}" was dropped.`));
        return null;
      }
      call ??= create(fragment);
      last = call;
      if (fragment.index !== undefined) byIndex.set(fragment.index, call);
      const progress: { index: number; id?: string; name?: string; arguments: string } = { index: call.index, arguments: "" };
      if (fragment.id && call.id === "") {
        call.id = fragment.id;
        byId.set(fragment.id, call);
        progress.id = fragment.id;
      }
      if (fragment.name) {
        const name = mergeName(call, fragment.name);
        if (name !== call.name) {
          call.name = name;
          progress.name = name;
        }
      }
      const added = fragment.arguments;
      if (typeof added === "string") {
        if (added !== "") call.fragments.push(added);
        // An object that text follows was a placeholder: the text is read as a whole.
        if (added.trim() !== "") call.value = undefined;
        progress.arguments = added;
      } else if (added !== null && added !== undefined) {
        call.value = added;
        progress.arguments = JSON.stringify(added);
        call.fragments = [progress.arguments];
      }
      return progress;
    },
    complete({ id, index }) {
      const call = (id ? byId.get(id) : undefined) ?? (index === undefined ? undefined : byIndex.get(index));
      return call && !call.ended ? end(call, false) : null;
    },
    finish({ cut = false } = {}) {
      return calls.filter((call) => !call.ended).map((call) => end(call, cut));
    },
    open() {
      return calls
        .filter((call) => !call.ended)
        .map((call) => ({ index: call.index, id: call.id, name: call.name, argumentsText: call.fragments.join("") }));
    },
    reset() {
      calls = [];
      byId = new Map();
      byIndex = new Map();
      last = undefined;
    },
  };
}

/** Names come whole, repeated, growing, or in pieces before the arguments. */
function mergeName(call: Call, name: string): string {
  if (call.name === "" || name.startsWith(call.name)) return name;
  return call.fragments.length === 0 && call.name !== name ? call.name + name : call.name;
}

function readArguments(text: string, cut: boolean): Pick<CompletedToolCall, "arguments" | "incomplete" | "invalid" | "repaired"> {
  if (text.trim() === "") return cut ? { arguments: null, incomplete: true } : { arguments: {} };
  if (!cut) {
    try {
      return { arguments: JSON.parse(text) as JsonValue };
    } catch {
      const behind = /^\s*\{\s*\}\s*(\{[^]*)$/.exec(text);
      if (behind) {
        try {
          return { arguments: JSON.parse(behind[1]!) as JsonValue, repaired: true };
        } catch {
          // Neither reading is JSON: it is told below.
        }
      }
    }
  }
  return cut || isUnfinished(text) ? { arguments: null, incomplete: true } : { arguments: null, invalid: true };
}

/** Whether JSON text stops inside a string, an array or an object. */
function isUnfinished(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
  }
  return inString || depth > 0;
}
