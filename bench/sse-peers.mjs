/** Bytes → events, each contender the fastest way its package can be used. All return how many events they saw. */
import { parseJsonEventStream } from "@ai-sdk/provider-utils";
import { _iterSSEMessages as readAnthropic } from "@anthropic-ai/sdk/core/streaming";
import { createParser } from "eventsource-parser";
import { _iterSSEMessages as readOpenAi } from "openai/core/streaming";
import { z } from "zod";

/** Ours: events to a callback. */
export function readWithSseDecoder({ SseDecoder }, chunks) {
  let events = 0;
  const decoder = new SseDecoder({ onEvent: () => void events++ });
  for (const chunk of chunks) decoder.push(chunk);
  decoder.end();
  return events;
}

/** Not a reader but a limit: nobody who makes strings of bytes is faster. */
export function decodeOnly(chunks) {
  const decoder = new TextDecoder();
  let length = 0;
  for (const chunk of chunks) length += decoder.decode(chunk, { stream: true }).length;
  return length;
}

export function readWithEventsourceParser(chunks) {
  let events = 0;
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: () => void events++ });
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
  return events;
}

/** The SDKs take a response; an async iterable as its body spares them the web stream. */
async function readWithSdk(iterate, chunks) {
  let events = 0;
  for await (const _ of iterate({ body: asyncIterable(chunks) }, new AbortController())) events++;
  return events;
}

export const readWithOpenAiSdk = (chunks) => readWithSdk(readOpenAi, chunks);
export const readWithAnthropicSdk = (chunks) => readWithSdk(readAnthropic, chunks);

/** Ours with each payload parsed, by `PayloadParser` or by `JSON`. */
export function parseWithSseDecoder({ SseDecoder }, chunks, parser) {
  let events = 0;
  const decoder = new SseDecoder({
    onEvent: ({ data }) => {
      if (parser.parse(data).choices) events++;
    },
  });
  for (const chunk of chunks) decoder.push(chunk);
  decoder.end();
  return events;
}

export function payloadsOf({ SseDecoder }, chunks) {
  const payloads = [];
  const decoder = new SseDecoder({ onEvent: ({ data }) => payloads.push(data) });
  for (const chunk of chunks) decoder.push(chunk);
  return payloads;
}

/** What is left of a pipeline whose reading of bytes costs nothing. */
export function parseOnly(payloads) {
  let events = 0;
  for (const payload of payloads) if (JSON.parse(payload).choices) events++;
  return events;
}

/** Ours as an async iterator over a web stream: the same work in the same form as the AI SDK's. */
export async function parseWithReadSseEvents({ readSseEvents, PayloadParser }, chunks) {
  let events = 0;
  const parser = new PayloadParser();
  for await (const { data } of readSseEvents(webStream(chunks))) if (parser.parse(data).choices) events++;
  return events;
}

/** The AI SDK's own pipeline, with a schema that lets everything through. */
export async function parseWithAiSdk(chunks) {
  let events = 0;
  const reader = parseJsonEventStream({ stream: webStream(chunks), schema: z.any() }).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return events;
    if (value.success && value.value.choices) events++;
  }
}

async function* asyncIterable(chunks) {
  yield* chunks;
}

function webStream(chunks) {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]);
      else controller.close();
    },
  });
}
