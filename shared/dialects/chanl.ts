/** Our own events, read as a dialect: for code that reads a gateway's body by itself. Transports do more (resume, order). */
import { ChatError } from "../errors.ts";
import { isTerminal } from "../protocol/chunk.ts";
import { parseEvent } from "../protocol/validate.ts";
import type { StreamChunk } from "../protocol/chunk.ts";
import type { Dialect } from "./dialect.ts";
import { jsonOf, record } from "./payload.ts";

export const chanlDialect: Dialect = {
  name: "chanl",
  framing: "sse",
  flushAtEof: false,
  createReader({ emit, report }) {
    let lastSeq = 0;
    let ended = false;
    return {
      read({ data }) {
        if (ended) return;
        try {
          const { chunk, seq } = parseEvent(data);
          if (seq !== undefined) {
            if (seq <= lastSeq) return;
            lastSeq = seq;
          }
          if (!chunk) return;
          ended = isTerminal(chunk);
          emit(chunk);
        } catch (error) {
          if (!(error instanceof ChatError)) throw error;
          const refusal = refusalOf(data);
          ended = refusal !== null;
          if (refusal) emit(refusal);
          else report(error);
        }
      },
      end() {},
    };
  },
};

/** The gateway's answer where it refused to begin: `{"error": {code, message, …}}`. */
function refusalOf(data: string): StreamChunk | null {
  const error = record(record(jsonOf(data))?.["error"]);
  return error ? parseEvent(JSON.stringify({ ...error, type: "error" })).chunk : null;
}
