/** A dialect that also shows its events to somebody: what a provider wants back has parts that no chunk carries. */
import type { Dialect } from "../../shared/dialects/dialect.ts";
import { record, jsonOf, type UnknownRecord } from "../../shared/dialects/payload.ts";

/** @param onPayload gets each event's JSON before the chunks it makes. */
export function tap(dialect: Dialect, onPayload: (payload: UnknownRecord) => void): Dialect {
  return {
    ...dialect,
    createReader(context) {
      const reader = dialect.createReader(context);
      return {
        read(event) {
          const payload = record(jsonOf(event.data));
          if (payload) onPayload(payload);
          reader.read(event);
        },
        end: (broken) => reader.end(broken),
      };
    },
  };
}
