/** What every dialect is held to, over recorded streams and our own, cut at every byte. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

import type { DialectName } from "../../dialects/dialect.ts";
import { readChunks } from "../../dialects/read-chunks.ts";
import type { ChatError } from "../../errors.ts";
import type { StreamChunk } from "../../protocol/chunk.ts";
import { answerOf, brokenRules, collect, type Answer, type AnswerCall } from "../answer.ts";
import { byteByByte, everySplit, iterate } from "../chunked.ts";
import { fixtureJson, fixturesMissing, ownStream } from "../fixtures.ts";
import { answerExpected, type ExpectedJson } from "./expected-json.ts";

export interface Read {
  chunks: StreamChunk[];
  reports: ChatError[];
}

export async function readPieces(pieces: Iterable<Uint8Array>, dialect: DialectName | "auto"): Promise<Read> {
  const reports: ChatError[] = [];
  const chunks = await collect(readChunks(iterate(pieces), { dialect, onReport: (error) => reports.push(error) }));
  return { chunks, reports };
}

/** Ids that the accumulator makes up are new each time. */
const comparable = ({ chunks, reports }: Read): string =>
  JSON.stringify([chunks, reports.map(({ code }) => code)]).replace(/call_\d+_\d+/g, "call_made_up");

/** Above this many bytes each cut by itself takes seconds: the cost is the square of the length. */
const EACH_CUT_BYTES = 600;
/** Then every cut is still made, together with those this many bytes away. */
const COMB_BYTES = 61;

function* everyComb(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let first = 0; first < COMB_BYTES; first++) {
    const pieces = [bytes.subarray(0, first)];
    for (let at = first; at < bytes.length; at += COMB_BYTES) pieces.push(bytes.subarray(at, at + COMB_BYTES));
    yield pieces;
  }
}

/** Whole, byte by byte, cut at every byte; with the dialect named and found out. */
async function inEveryChunking(bytes: Uint8Array, dialect: DialectName): Promise<Read> {
  const whole = await readPieces([bytes], dialect);
  const expected = comparable(whole);
  expect(comparable(await readPieces([bytes], "auto")), "auto, whole").toBe(expected);
  expect(comparable(await readPieces(byteByByte(bytes), dialect)), "byte by byte").toBe(expected);
  expect(comparable(await readPieces(byteByByte(bytes), "auto")), "auto, byte by byte").toBe(expected);
  const isShort = bytes.length <= EACH_CUT_BYTES;
  for (const pieces of isShort ? everySplit(bytes) : everyComb(bytes)) {
    const got = comparable(await readPieces(pieces, dialect));
    if (got !== expected) expect(got, `first cut before byte ${pieces[0]!.length}`).toBe(expected);
  }
  for (const pieces of everyComb(bytes)) {
    const got = comparable(await readPieces(pieces, "auto"));
    if (got !== expected) expect(got, `auto, first cut before byte ${pieces[0]!.length}`).toBe(expected);
  }
  return whole;
}

/** Recordings of any framing, with their expected results. */
function recordings(provider: string): { name: string; bytes: Uint8Array; expected: ExpectedJson }[] {
  if (fixturesMissing) return [];
  const folder = process.env["CHANL_FIXTURES"] ?? resolve(import.meta.dirname, "../../../../shared/fixtures");
  const at = join(folder, "streams", provider);
  return readdirSync(at)
    .filter((file) => /\.(sse|ndjson)$/.test(file))
    .map((file) => {
      const name = file.replace(/\.\w+$/, "");
      const expected = fixtureJson(`streams/${provider}/${name}.expected.json`) as ExpectedJson;
      return { name, bytes: new Uint8Array(readFileSync(join(at, file))), expected };
    });
}

const MADE_UP_ID = /^call_\d+_\d+$/;

export function describeRecordings(dialect: DialectName, provider: string = dialect): void {
  describe(`recordings of ${provider}`, () => {
    if (fixturesMissing) {
      test.skip(`skipped: ${fixturesMissing}`, () => undefined);
      return;
    }
    test.each(recordings(provider))("$name, cut at every byte", { timeout: 60_000 }, async ({ bytes, expected }) => {
      const { chunks, reports } = await inEveryChunking(bytes, dialect);
      const { toolCalls, ...rest } = answerExpected(expected);
      const answer = answerOf(chunks);
      expect(answer).toMatchObject(rest);
      expect(answer.toolCalls).toEqual(
        toolCalls.map((call) => ({ ...call, id: call.id ?? (expect.stringMatching(MADE_UP_ID) as string) })),
      );
      expect(brokenRules(chunks)).toEqual([]);
      expect(reports).toEqual([]);
    });
  });
}

/** What one of our own streams says. What is left out is empty, and the end is `stop`. */
export type Expected = Partial<Answer> & {
  /** Events that were skipped and reported. */
  reports?: number;
  /** By call id: what it gave, or its error. */
  results?: { [id: string]: unknown };
  /** Title and address. */
  sources?: [title: string, url?: string][];
};

export interface OwnStreams {
  dialect: DialectName;
  /** By name of the file in `testing/streams/<dialect>`. */
  streams: { [name: string]: Expected };
  /** What each stream reports unless it says otherwise. */
  usage?: Answer["usage"];
  /** Streams of this dialect may stop inside a call, as a cut stream of our own gateway does. */
  mayStopInsideCalls?: boolean;
  /** The end of the body is the end of the answer, so that a cut between two events may look like one. */
  endsWithBody?: boolean;
}

export function describeOwnStreams({ dialect, streams, usage = null, ...rules }: OwnStreams): void {
  const bytesOf = (name: string): Uint8Array => ownStream(`${dialect}/${name}.${dialect === "ollama" ? "ndjson" : "sse"}`);
  describe(`our own streams of ${dialect}`, () => {
    test.each(Object.entries(streams))("%s, cut at every byte", { timeout: 60_000 }, async (name, expected) => {
      const { reports: count = 0, results = {}, sources = [], ...answer } = expected;
      const { chunks, reports } = await inEveryChunking(bytesOf(name), dialect);
      expect(answerOf(chunks)).toEqual({ text: "", reasoning: "", refusal: "", toolCalls: [], end: "stop", usage, ...answer });
      expect(brokenRules(chunks)).toEqual([]);
      expect(reports.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => "bad_frame"));
      const given = chunks.filter((chunk) => chunk.type === "tool_result").map(({ id, result, error }) => [id, error ?? result]);
      expect(Object.fromEntries(given)).toEqual(results);
      const cited = chunks.filter((chunk) => chunk.type === "source").map(({ title, url }) => (url ? [title, url] : [title]));
      expect(cited).toEqual(sources);
    });

    test("every stream is in the table", () => {
      const files = readdirSync(join(import.meta.dirname, dialect)).map((file) => file.replace(/\.\w+$/, ""));
      expect(files.toSorted()).toEqual(Object.keys(streams).toSorted());
    });

    test("a body cut after any byte keeps what came and ends exactly once", { timeout: 60_000 }, async () => {
      for (const name of Object.keys(streams)) {
        const bytes = bytesOf(name);
        const whole = answerOf((await readPieces([bytes], dialect)).chunks);
        for (let at = 0; at < bytes.length; at++) {
          const { chunks } = await readPieces([bytes.subarray(0, at)], dialect);
          holdCut(answerOf(chunks), whole, `${name} cut before byte ${at}`, rules.endsWithBody ?? false);
          const broken = brokenRules(chunks, rules.mayStopInsideCalls);
          if (broken.length > 0) expect(broken, `${name} cut before byte ${at}`).toEqual([]);
        }
      }
    });
  });
}

function holdCut(answer: Answer, whole: Answer, where: string, endsWithBody: boolean): void {
  if (!whole.text.startsWith(answer.text) || !whole.reasoning.startsWith(answer.reasoning)) expect(answer, where).toEqual(whole);
  // A cut never makes up an end: either the provider had said it, or the answer is truncated.
  const isTold = answer.end === whole.end || (endsWithBody && !answer.end.startsWith("error: "));
  if (!isTold) expect(answer.end, where).toBe("error: truncated");
  if (answer.end !== "error: truncated") return;
  for (const one of answer.toolCalls) {
    const same = whole.toolCalls.some((other) => JSON.stringify(other.arguments) === JSON.stringify(one.arguments));
    if (!one.incomplete && !same) expect(one, where).toMatchObject({ incomplete: true });
  }
}

/** A call of a table. */
export const call = (id: string, name: string, args: unknown, more: Partial<AnswerCall> = {}): AnswerCall => ({
  id,
  name,
  arguments: args,
  runsOn: "server",
  ...more,
});
export const cut = (id: string, name: string, argumentsText: string): AnswerCall =>
  call(id, name, null, { incomplete: true, argumentsText });
/** The id of a call whose provider gave none. */
export const madeUpId = (): string => expect.stringMatching(MADE_UP_ID) as string;
