/** Our own events, read as a dialect: for code that reads a gateway's body by itself. Transports do more (resume, order). */
import { ChatError } from "../errors.ts";
import { isTerminal } from "../protocol/chunk.ts";
import { parseEvent } from "../protocol/validate.ts";
import type { Dialect } from "./dialect.ts";

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
          report(error);
        }
      },
      end() {},
    };
  },
};
