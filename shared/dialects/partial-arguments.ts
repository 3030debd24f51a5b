/**
 * Gemini's streamed arguments: `{jsonPath: "$.a[0].b", stringValue: "…", willContinue: true}` → one object, and its JSON text as it
 * grows, so that a call is shown while it is written like any other provider's.
 *
 * The text follows as long as the paths come in the order of the document. A path that goes back into a closed part, or says a
 * value again, ends it; then only the object tells the arguments.
 */
import type { JsonObject, JsonValue } from "../protocol/chunk.ts";
import { text, type UnknownRecord } from "./payload.ts";

type Segment = string | number;

interface Container {
  readonly segment: Segment;
  readonly isArray: boolean;
  count: number;
}

/** Deeper than any tool's arguments, and far from where `JSON.parse` gives up. */
const MAX_DEPTH = 128;

export class PartialArguments {
  readonly #value: JsonObject = {};
  /** The containers that the text has open, the root first. */
  #open: Container[] = [];
  /** The string that may still grow. */
  #string: { path: string; holder: JsonObject; key: string; promised: boolean } | undefined;
  #isOrdered = true;
  #isBroken = false;

  /** Takes one partial argument. Returns the JSON text it adds; `null` when it could not be read. */
  add(part: UnknownRecord): string | null {
    const path = text(part["jsonPath"]) ?? "";
    const value = valueOf(part);
    if (value === undefined) return "";
    if (typeof value === "string" && this.#string?.path === path) {
      const { holder, key } = this.#string;
      holder[key] = (holder[key] as string) + value;
      this.#string.promised = part["willContinue"] === true;
      return this.#isOrdered ? JSON.stringify(value).slice(1, -1) : "";
    }
    const segments = segmentsOf(path);
    const closing = this.#string && this.#isOrdered ? '"' : "";
    this.#string = undefined;
    const placed = segments && this.#place(segments, value);
    if (!placed) {
      this.#isBroken = true;
      return null;
    }
    if (typeof value === "string") this.#string = { path, ...placed, promised: part["willContinue"] === true };
    return this.#isOrdered ? closing + this.#textOf(segments, value) : "";
  }

  /** The call ended: the text that closes it, and its value where the text does not tell it. */
  end(): { text: string; value: JsonValue | undefined; incomplete: boolean } {
    const incomplete = this.#isBroken || (this.#string?.promised ?? false);
    if (incomplete || !this.#isOrdered) return { text: "", value: this.#value, incomplete };
    const closing = this.#open.map(({ isArray }) => (isArray ? "]" : "}")).toReversed();
    return { text: (this.#string ? '"' : "") + closing.join(""), value: undefined, incomplete };
  }

  /** Puts the value into the object. `undefined` when the path does not fit what is there. */
  #place(path: Segment[], value: JsonValue): { holder: JsonObject; key: string } | undefined {
    let holder: JsonValue = this.#value;
    let inOpen = true;
    for (const [depth, segment] of path.entries()) {
      const isArray = Array.isArray(holder);
      // Holes are refused: one large index would fill the memory.
      if (isArray !== (typeof segment === "number") || (Array.isArray(holder) && (segment as number) > holder.length)) return undefined;
      const fields = holder as JsonObject;
      const known: JsonValue | undefined = Object.hasOwn(fields, segment) ? fields[segment] : undefined;
      if (depth === path.length - 1) {
        if (known !== undefined) this.#isOrdered = false;
        define(fields, segment, value);
        return { holder: fields, key: String(segment) };
      }
      inOpen &&= this.#open[depth + 1]?.segment === segment;
      if (known === undefined) define(fields, segment, typeof path[depth + 1] === "number" ? [] : {});
      else if (typeof known !== "object" || known === null) return undefined;
      else if (!inOpen) this.#isOrdered = false;
      holder = fields[segment]!;
    }
    return undefined;
  }

  #textOf(path: Segment[], value: JsonValue): string {
    let added = "";
    if (this.#open.length === 0) {
      this.#open.push({ segment: "$", isArray: false, count: 0 });
      added = "{";
    }
    let shared = 1;
    while (shared < path.length && this.#open[shared]?.segment === path[shared - 1]) shared++;
    while (this.#open.length > shared) added += this.#open.pop()!.isArray ? "]" : "}";
    for (const [depth, segment] of path.entries()) {
      if (depth < shared - 1) continue;
      const parent = this.#open.at(-1)!;
      added += (parent.count++ > 0 ? "," : "") + (typeof segment === "string" ? `${JSON.stringify(segment)}:` : "");
      if (depth === path.length - 1) break;
      const isArray = typeof path[depth + 1] === "number";
      added += isArray ? "[" : "{";
      this.#open.push({ segment, isArray, count: 0 });
    }
    const json = JSON.stringify(value);
    return added + (typeof value === "string" ? json.slice(0, -1) : json);
  }
}

function valueOf(part: UnknownRecord): JsonValue | undefined {
  for (const [key, type] of [
    ["stringValue", "string"],
    ["numberValue", "number"],
    ["boolValue", "boolean"],
  ] as const) {
    if (typeof part[key] === type) return part[key] as JsonValue;
  }
  return "nullValue" in part ? null : undefined;
}

/** `$.a[0]['b c']` → `["a", 0, "b c"]`. */
function segmentsOf(path: string): Segment[] | undefined {
  if (!path.startsWith("$")) return undefined;
  const segments: Segment[] = [];
  const step = /\.([^.*[\]'"]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const found = step.exec(path);
    if (!found || segments.length === MAX_DEPTH) return undefined;
    const quoted = found[3] ?? found[4];
    segments.push(found[2] !== undefined ? Number(found[2]) : (found[1] ?? quoted!.replace(/\\(.)/g, "$1")));
  }
  return segments.length > 0 ? segments : undefined;
}

/** A key such as `__proto__` is a field like any other. */
function define(fields: JsonObject, key: Segment, value: JsonValue): void {
  Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true });
}
