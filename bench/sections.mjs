/** What is measured: each section gives rows for the table, and the figures that goals are set on. */
import { deltaEvents, fragmentsOf, inChunks, join, japaneseEvents, oneLongLine, toolArguments } from "./corpus.mjs";
import * as json from "./json-peers.mjs";
import { measure, median, ratio } from "./rounds.mjs";
import * as sse from "./sse-peers.mjs";

const BODY_BYTES = 1_000_000;
/** Enough for a single byte at a time: the slowest contender takes half a second for it. */
const SINGLE_BYTES = 64_000;

/** The delta events of one size cut in each way, and how many events they hold. */
function chunkings() {
  const events = deltaEvents(BODY_BYTES);
  const fewEvents = deltaEvents(SINGLE_BYTES);
  const body = join(events);
  return {
    "16 KB chunks": { chunks: inChunks(body, 16_384), events: events.length },
    "an event a chunk": { chunks: events, events: events.length },
    "64 B chunks": { chunks: inChunks(body, 64), events: events.length },
    "1 B chunks": { chunks: inChunks(join(fewEvents), 1), events: fewEvents.length },
  };
}

/** A contender that loses events is no contender. */
async function requireSame(run, expected, name) {
  const seen = await run();
  if (seen !== expected) throw new Error(`${name} gave ${seen} instead of ${expected}.`);
}

/**
 * Measures contenders over several inputs.
 * @param make input → name → run; the first is ours, and what the others take is told in its time
 */
async function compare(inputs, make, expectedOf, log) {
  const samples = {};
  const cells = {};
  for (const [label, input] of Object.entries(inputs)) {
    log(label);
    const contenders = make(input);
    for (const [name, { run, limit }] of Object.entries(contenders)) if (!limit) await requireSame(run, expectedOf(input, name), name);
    const measured = await measure(Object.fromEntries(Object.entries(contenders).map(([name, { run }]) => [name, run])));
    const [own] = Object.keys(contenders);
    samples[label] = measured;
    for (const [name, { scale = 1 }] of Object.entries(contenders)) {
      cells[name] ??= {};
      cells[name][label] = ratio(measured[name], measured[own]) * scale;
    }
  }
  return { cells, samples };
}

export async function bytesToEvents(core, log) {
  const inputs = { ...chunkings(), "Japanese, 16 KB": japanese() };
  const { cells } = await compare(
    inputs,
    ({ chunks }) => ({
      "`SseDecoder`": { run: () => sse.readWithSseDecoder(core, chunks) },
      "`TextDecoder` alone, no events": { run: () => sse.decodeOnly(chunks), limit: true },
      "eventsource-parser 3 + `TextDecoder`": { run: () => sse.readWithEventsourceParser(chunks) },
      "@anthropic-ai/sdk, its decoder": { run: () => sse.readWithAnthropicSdk(chunks) },
      "openai, its decoder": { run: () => sse.readWithOpenAiSdk(chunks) },
    }),
    ({ events }) => events,
    log,
  );
  return { title: "Bytes → events", columns: Object.keys(inputs), cells };
}

function japanese() {
  const events = japaneseEvents(BODY_BYTES);
  return { chunks: inChunks(join(events), 16_384), events: events.length };
}

export async function bytesToJson(core, log) {
  const inputs = Object.fromEntries(
    Object.entries(chunkings()).map(([label, input]) => [label, { ...input, payloads: sse.payloadsOf(core, input.chunks) }]),
  );
  const { cells } = await compare(
    inputs,
    ({ chunks, payloads }) => ({
      "`SseDecoder` + `PayloadParser`": { run: () => sse.parseWithSseDecoder(core, chunks, new core.PayloadParser()) },
      "`SseDecoder` + `JSON.parse`": { run: () => sse.parseWithSseDecoder(core, chunks, JSON) },
      "`JSON.parse` alone, of payloads that are strings already": { run: () => sse.parseOnly(payloads), limit: true },
      "`readSseEvents` over a web stream + `PayloadParser`": { run: () => sse.parseWithReadSseEvents(core, chunks) },
      "AI SDK 6 `parseJsonEventStream`": { run: () => sse.parseWithAiSdk(chunks) },
    }),
    ({ events }) => events,
    log,
  );
  return { title: "Bytes → parsed payloads", columns: Object.keys(inputs), cells };
}

/** How much longer four times, or ten times, the input takes: 4 and 10 are linear, 16 and 100 quadratic. */
async function growth(runs) {
  const measured = await measure(runs);
  const [small, large] = Object.keys(runs);
  return ratio(measured[large], measured[small]);
}

export async function longLine(core, log) {
  log("one line of 256 KB and of 1 MB");
  const of = (bytes) => inChunks(oneLongLine(bytes), 64);
  const small = of(262_144);
  const large = of(1_048_576);
  const column = "1 MB : 256 KB";
  const read = async (reader) => ({ [column]: await growth({ small: () => reader(small), large: () => reader(large) }) });
  return {
    title: "One long line in 64 B chunks, growth",
    columns: [column],
    cells: {
      "`SseDecoder`": await read((chunks) => sse.readWithSseDecoder(core, chunks)),
      "eventsource-parser 3 + `TextDecoder`": await read(sse.readWithEventsourceParser),
    },
  };
}

export async function argumentsToViews(core, log) {
  const inputs = Object.fromEntries(
    ["code", "rows"].map((shape) => {
      const fragments = fragmentsOf(toolArguments(shape, 100_000));
      return [`${shape}, 100 KB`, { fragments, texts: json.sampledTexts(fragments) }];
    }),
  );
  const { cells, samples } = await compare(
    inputs,
    ({ fragments, texts }) => {
      const scale = fragments.length / texts.length;
      return {
        "`IncrementalJson`, live view": { run: () => json.viewLive(core, fragments) },
        "`IncrementalJson`, snapshot": { run: () => json.viewSnapshots(core, fragments) },
        jsonriver: { run: () => json.viewWithJsonriver(fragments), limit: true },
        "partial-json, sampled": { run: () => json.viewWithPartialJson(texts), scale },
        "AI SDK 6 `parsePartialJson`, sampled": { run: () => json.viewWithAiSdk(texts), scale },
      };
    },
    ({ fragments, texts }, name) => (name.endsWith("sampled") ? texts.length : fragments.length),
    log,
  );
  const milliseconds = Object.fromEntries(
    Object.keys(inputs).map((label) => [
      label,
      { live: median(samples[label]["`IncrementalJson`, live view"]), snapshot: median(samples[label]["`IncrementalJson`, snapshot"]) },
    ]),
  );
  return { title: "Tool arguments → a view after every 4 characters", columns: Object.keys(inputs), cells, milliseconds };
}

export async function longArguments(core, log) {
  log("arguments of 100 KB and of 1 MB");
  const column = "1 MB : 100 KB";
  const read = async (shape) => {
    const [small, large] = [100_000, 1_000_000].map((length) => fragmentsOf(toolArguments(shape, length)));
    return { [column]: await growth({ small: () => json.viewLive(core, small), large: () => json.viewLive(core, large) }) };
  };
  return {
    title: "Tool arguments, growth",
    columns: [column],
    cells: { "`IncrementalJson`, live view, code": await read("code"), "`IncrementalJson`, live view, rows": await read("rows") },
  };
}
