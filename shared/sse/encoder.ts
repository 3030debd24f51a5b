/** Events → text. The one place that writes the event stream format. */

export interface SseFields {
  id?: string | number | undefined;
  /** Event type. Our own protocol names none, so that `EventSource.onmessage` gets everything. */
  event?: string | undefined;
  data?: string | undefined;
  /** Reconnection time for `EventSource`, in ms. */
  retry?: number | undefined;
}

/**
 * One event, ended by its blank line. `data` may hold line breaks; each line becomes a `data:` line.
 * @throws TypeError when `id` or `event` holds CR, LF or NUL: one such character would forge a second event
 *   (two public libraries let it through), and when `retry` is not a whole number of ms.
 */
export function encodeSseEvent({ id, event, data, retry }: SseFields): string {
  let text = "";
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) throw new TypeError("encodeSseEvent: retry must be a whole number of milliseconds");
    text += `retry: ${retry}\n`;
  }
  if (id !== undefined) text += `id: ${singleLine("id", String(id))}\n`;
  if (event !== undefined) text += `event: ${singleLine("event", event)}\n`;
  if (data !== undefined) {
    text += /[\r\n]/.test(data)
      ? data
          .split(/\r\n|\r|\n/)
          .map((line) => `data: ${line}\n`)
          .join("")
      : `data: ${data}\n`;
  }
  return `${text}\n`;
}

/** A comment: what a heartbeat is. It carries no id and no event. */
export function encodeSseComment(comment: string): string {
  return `: ${singleLine("comment", comment)}\n\n`;
}

function singleLine(field: string, value: string): string {
  // eslint-disable-next-line no-control-regex -- these three are the ones the format cannot carry
  if (/[\r\n\0]/.test(value)) throw new TypeError(`encodeSseEvent: ${field} must not hold CR, LF or NUL`);
  return value;
}
