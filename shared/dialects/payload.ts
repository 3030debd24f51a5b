/** Reading a provider's JSON without trusting its shape. */
import { ChatError } from "../errors.ts";
import type { JsonValue } from "../protocol/chunk.ts";

export type UnknownRecord = { readonly [key: string]: unknown };

export function record(value: unknown): UnknownRecord | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as UnknownRecord) : undefined;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The payload of an event as an object; what is none is reported and skipped. */
export function payload(
  data: string,
  report: (error: ChatError) => void,
  parser: { parse(text: string): unknown } = JSON,
): UnknownRecord | undefined {
  let value: unknown;
  try {
    value = parser.parse(data);
  } catch (cause) {
    report(new ChatError("bad_frame", "An event of the stream was not JSON. It was skipped.", { cause }));
    return undefined;
  }
  const object = record(value);
  if (!object) report(new ChatError("bad_frame", "An event of the stream was not a JSON object. It was skipped."));
  return object;
}

/** JSON text as a value; `undefined` when it is none. */
export function jsonOf(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return undefined;
  }
}
