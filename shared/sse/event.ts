/** One dispatched event of a `text/event-stream` body. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface SseEvent {
  /** Event type; `"message"` when the block named none. */
  type: string;
  data: string;
  /** The last event id in force when the block ended; `""` when none was ever set. */
  lastEventId: string;
}
