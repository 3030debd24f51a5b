/** What the benchmarks read: made from a fixed seed, so that every run and every contender reads the same bytes. */

const encoder = new TextEncoder();

/** Mulberry32. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const WORDS = ["the", "stream", "of", "tokens", "comes", "in", "small", "pieces", "and", "is", "shown", "as", "it", "arrives"];
const OTHER_SCRIPTS = ["größer", "漢字", "😀", "naïve", "данные"];

/** One text delta as OpenAI sends it. */
function deltaEvent(content, padding) {
  const payload = {
    id: "chatcmpl-CLzrGx0UFnA0mPVwe1TqPyQ",
    object: "chat.completion.chunk",
    created: 1_759_300_000,
    model: "gpt-4o-mini-2024-07-18",
    service_tier: "default",
    system_fingerprint: "fp_560af6e559",
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    obfuscation: padding,
  };
  return encoder.encode(`data: ${JSON.stringify(payload)}\n\n`);
}

function eventsOf(bytes, makeEvent) {
  const events = [];
  for (let total = 0; total < bytes;) {
    const event = makeEvent();
    events.push(event);
    total += event.length;
  }
  return events;
}

/**
 * A chat answer on the wire: one `data:` line of about 290 bytes per token, 4% of them not ASCII.
 * @returns the events one by one; joined, they are the body
 */
export function deltaEvents(bytes, seed = 1) {
  const random = createRandom(seed);
  const pick = (items) => items[Math.floor(random() * items.length)];
  return eventsOf(bytes, () => {
    const content = ` ${random() < 0.04 ? pick(OTHER_SCRIPTS) : pick(WORDS)}`;
    return deltaEvent(content, "Xm3aQ9".slice(0, 1 + Math.floor(random() * 6)));
  });
}

/** A gateway's short frames with a Japanese sentence each: half of the bytes are not ASCII. */
export function japaneseEvents(bytes) {
  let seq = 0;
  return eventsOf(bytes, () => {
    const content = "漢字かな交じり文の流れをそのまま読む。";
    return encoder.encode(`data: ${JSON.stringify({ type: "token", content, seq: ++seq })}\n\n`);
  });
}

/** One event in one line of this length: a large file in one tool argument, an image. */
export function oneLongLine(bytes) {
  const framing = "data: \n\n".length;
  return encoder.encode(`data: ${"x".repeat(bytes - framing)}\n\n`);
}

/** The bytes in pieces of one length, copied: chunks of a network share no buffer. */
export function inChunks(bytes, length) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += length) chunks.push(bytes.slice(at, at + length));
  return chunks;
}

export function join(pieces) {
  const joined = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Arguments of a tool that writes a file: one long string with line ends, quotes and tabs to escape. */
function codeArguments(length, random) {
  const lines = [];
  for (let total = 0; total < length;) {
    const line = `\tconst value${lines.length} = read("${WORDS[Math.floor(random() * WORDS.length)]}", ${Math.floor(random() * 1_000)});`;
    lines.push(line);
    total += line.length + 5;
  }
  return JSON.stringify({ path: "src/generated.ts", content: lines.join("\n") });
}

/** Arguments of a tool that stores records: many small objects, numbers and literals. */
function rowArguments(length, random) {
  const rows = [];
  for (let total = 0; total < length;) {
    const row = {
      id: rows.length,
      name: `${WORDS[Math.floor(random() * WORDS.length)]} ${rows.length}`,
      price: Math.round(random() * 10_000) / 100,
      inStock: random() < 0.5,
      tags: ["a", "b"],
      note: null,
    };
    rows.push(row);
    total += JSON.stringify(row).length + 1;
  }
  return JSON.stringify({ table: "products", rows });
}

/** @param shape `code` one long string · `rows` many small records */
export function toolArguments(shape, length, seed = 1) {
  const random = createRandom(seed);
  return shape === "code" ? codeArguments(length, random) : rowArguments(length, random);
}

/** Text in fragments of four characters: about one token each. */
export function fragmentsOf(text, length = 4) {
  const fragments = [];
  for (let at = 0; at < text.length; at += length) fragments.push(text.slice(at, at + length));
  return fragments;
}
