/** SSE events → frames, with the number each has even when its content is broken. */
import { ChatError } from "../errors.ts";
import { parseEvent, type ReceivedEvent } from "../protocol/validate.ts";
import type { BadFrame } from "./follow-run.ts";

/**
 * An event without an id of its own inherits the one before it (that is what `lastEventId` means), so only a new id is
 * this event's number. Frames outside the log have none.
 */
export function createFrameReader(): (event: { data: string; lastEventId: string }) => ReceivedEvent | BadFrame {
  let previousId = "";
  return ({ data, lastEventId }) => {
    const own = lastEventId !== previousId && /^\d+$/.test(lastEventId) ? Number(lastEventId) : undefined;
    previousId = lastEventId;
    try {
      const event = parseEvent(data);
      return event.seq === undefined && own !== undefined ? { ...event, seq: own } : event;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      return { bad: error, seq: own };
    }
  };
}
