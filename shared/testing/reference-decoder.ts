/**
 * The event stream rules, slow and obvious: the whole body at once, one character at a time, in the standard's own order and words.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export type DecodedStep = { event: { type: string; data: string; lastEventId: string } } | { retry: number } | { comment: string };

export interface Decoded {
  steps: DecodedStep[];
  lastEventId: string;
}

export function referenceDecode(bytes: Uint8Array, { flushAtEof = false } = {}): Decoded {
  let text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  // One leading U+FEFF BYTE ORDER MARK character must be ignored if any are present.
  if (text.startsWith("\uFEFF")) text = text.slice(1);

  const lines: string[] = [];
  let line = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "\r" && text[at + 1] === "\n") at++;
    if (character === "\r" || character === "\n") {
      lines.push(line);
      line = "";
    } else line += character;
  }
  const unfinished = line;

  const steps: DecodedStep[] = [];
  let data = "";
  let type = "";
  let idBuffer = "";
  let lastEventId = "";

  function dispatch(): void {
    lastEventId = idBuffer;
    if (data === "") {
      type = "";
      return;
    }
    steps.push({ event: { type: type === "" ? "message" : type, data: data.slice(0, -1), lastEventId } });
    data = "";
    type = "";
  }

  function field(name: string, value: string): void {
    if (name === "event") type = value;
    else if (name === "data") data += `${value}\n`;
    else if (name === "id" && !value.includes("\u0000")) idBuffer = value;
    else if (name === "retry" && value !== "" && /^[0123456789]*$/.test(value)) steps.push({ retry: Number(value) });
  }

  function process(one: string): void {
    if (one === "") dispatch();
    else if (one.startsWith(":")) steps.push({ comment: one.slice(1) });
    else if (one.includes(":")) {
      const colon = one.indexOf(":");
      let value = one.slice(colon + 1);
      if (value.startsWith(" ")) value = value.slice(1);
      field(one.slice(0, colon), value);
    } else field(one, "");
  }

  for (const one of lines) process(one);
  // Once the end of the file is reached, any pending data must be discarded.
  if (flushAtEof) {
    if (unfinished !== "") process(unfinished);
    dispatch();
  }
  return { steps, lastEventId };
}
