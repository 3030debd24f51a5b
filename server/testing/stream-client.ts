/** Small clients for tests: plain fetch and plain text, so that they share no code with what they test. */
import type { StreamEvent } from "../../shared/protocol/chunk.ts";

export function userSays(content: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { agentId: "docs", messages: [{ role: "user", content }], ...more };
}

export function postChat(
  url: string,
  body: unknown,
  init: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${url}/api/chat/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...init.headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(init.signal ? { signal: init.signal } : {}),
  });
}

/**
 * The events of a whole SSE text. Blocks without data (retry, keepalive) are left out. Lines end at LF: U+2028, which JSON leaves as it is,
 * ends one only for a regular expression.
 */
export function parseSse(text: string): StreamEvent[] {
  if (text.includes("key-of-the-test")) throw new Error("a stream holds the provider's key");
  const events: StreamEvent[] = [];
  for (const block of text.split("\n\n")) {
    const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
    const data = fields.get("data");
    if (data === undefined) continue;
    const event = JSON.parse(data) as StreamEvent;
    const id = fields.get("id");
    if (id !== String(event.seq)) throw new Error(`id ${id} and seq ${event.seq} differ`);
    events.push(event);
  }
  return events;
}

export async function readAll(response: Response): Promise<StreamEvent[]> {
  return parseSse(await response.text());
}

/** Reads until the events so far satisfy `enough`, then hangs up. */
export async function readUntil(response: Response, enough: (events: StreamEvent[]) => boolean): Promise<StreamEvent[]> {
  let text = "";
  const decoder = new TextDecoder();
  if (!response.body) throw new Error("no body");
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    const whole = text.slice(0, text.lastIndexOf("\n\n") + 2);
    const events = parseSse(whole);
    if (enough(events)) return events;
  }
  throw new Error(`the stream ended too early: ${text.slice(-300)}`);
}

export function textOf(events: readonly StreamEvent[]): string {
  return events.map((event) => (event.type === "token" ? event.content : "")).join("");
}

/** Polls until `condition` holds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string, withinMs = 3000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
