import { describe, expect, test } from "vitest";

import { deltaEvents, fragmentsOf, inChunks, japaneseEvents, join, oneLongLine, toolArguments } from "./corpus.mjs";

const notAscii = (bytes: Uint8Array): number => bytes.filter((byte) => byte > 127).length;
const payloadOf = (event: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(event).replace(/^data: (.*)\n\n$/, "$1"));

describe("the delta events", () => {
  const events = deltaEvents(1_000_000);

  test("are about 290 bytes each", () => {
    const mean = join(events).length / events.length;
    expect(mean).toBeGreaterThan(285);
    expect(mean).toBeLessThan(295);
  });

  test("are not ASCII in 4 of 100", () => {
    const share = events.filter((event) => notAscii(event) > 0).length / events.length;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.05);
  });

  test("are text deltas, one data line each", () => {
    for (const event of events.slice(0, 200))
      expect(payloadOf(event)).toMatchObject({
        object: "chat.completion.chunk",
        choices: [{ delta: { content: expect.stringMatching(/^ ./) as string } }],
      });
  });

  test("are the same in every run", () => expect(deltaEvents(10_000)).toEqual(deltaEvents(10_000)));
});

test("half of the bytes of the Japanese events are not ASCII", () => {
  const body = join(japaneseEvents(100_000));
  expect(notAscii(body) / body.length).toBeGreaterThan(0.5);
});

test("chunks share no buffer and are the whole body", () => {
  const body = join(deltaEvents(5_000));
  const chunks = inChunks(body, 64);
  expect(join(chunks)).toEqual(body);
  expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(chunks.length);
});

test("the long line is one event of exactly its length", () => {
  const line = oneLongLine(262_144);
  expect(line.length).toBe(262_144);
  expect(line.indexOf(10)).toBe(line.length - 2);
});

describe.each(["code", "rows"])("the tool arguments: %s", (shape) => {
  const text = toolArguments(shape, 100_000);

  test("are a JSON document of about the length", () => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(Math.abs(text.length - 100_000)).toBeLessThan(1_000);
  });

  test("are whole in their fragments of four characters", () => {
    const fragments = fragmentsOf(text);
    expect(fragments.join("")).toBe(text);
    expect(fragments.slice(0, -1).every(({ length }) => length === 4)).toBe(true);
  });
});
