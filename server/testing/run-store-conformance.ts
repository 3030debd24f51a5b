/** What every `RunStore` has to keep. Call it from the test of an implementation. */
import { randomBytes } from "node:crypto";

import { expect, onTestFinished, test } from "vitest";

import { encodeFrame, frameChunk, frameJson, type Frame } from "../stream/frame.ts";
import type { Follow, FrameReader, RunMessage, RunRecord, RunStore } from "../stream/run-store.ts";
import { eventually } from "./stream-client.ts";

/** Two instances of the gateway on one store; the same object twice where a store belongs to one process. */
export interface StorePair {
  one: RunStore;
  other: RunStore;
}

export function runRecord(): RunRecord {
  const id = randomBytes(16).toString("hex");
  return { id, messageId: "m", agentId: "a", model: "x", requestId: "q", owner: "o", onDisconnect: "continue", fingerprint: "f" };
}

export function tokenFrame(seq: number): Frame {
  return encodeFrame(
    seq === 1 ? { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 } : { type: "token", content: `t${seq} ` },
    seq,
  );
}

export function endFrame(seq: number): Frame {
  return encodeFrame({ type: "done", reason: "stop" }, seq);
}

/** Keeps what it is given. */
export class Collector implements FrameReader {
  readonly frames: Frame[] = [];
  readonly ended: Promise<void>;
  isEnded = false;
  end: () => void = () => undefined;
  /** What `take` answers. */
  wait: (() => Promise<void> | undefined) | undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.end = () => {
        this.isEnded = true;
        resolve();
      };
    });
  }

  get seqs(): number[] {
    return this.frames.map(({ seq }) => seq);
  }

  take(frames: readonly Frame[]): Promise<void> | undefined {
    this.frames.push(...frames);
    return this.wait?.();
  }
}

export function follow(store: RunStore, id: string, afterSeq: number): Collector & { place: Follow } {
  const collector = new Collector();
  return Object.assign(collector, { place: store.follow(id, afterSeq, collector) });
}

const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param make Stores whose logs hold about 16 KB. */
export function describeRunStore(name: string, make: () => StorePair | Promise<StorePair>): void {
  async function begin(): Promise<StorePair & { id: string; append: (frame: Frame) => Promise<void> }> {
    const pair = await make();
    onTestFinished(async () => {
      await pair.one.close();
      await pair.other.close();
    });
    const record = runRecord();
    await pair.one.create(record, undefined);
    const writer = pair.one.writer(record.id);
    return { ...pair, id: record.id, append: async (frame) => writer.append(frame) };
  }

  test(`${name}: a reader gets what was, then what comes, each once and in order, here and elsewhere, and is let go after the terminal frame`, async () => {
    const { one, other, id, append } = await begin();
    for (let seq = 1; seq <= 3; seq++) await append(tokenFrame(seq));
    await eventually(async () => (await one.head(id))?.seq === 3, "the first events");
    const readers = [0, 1, 2, 3].flatMap((after) => [one, other].map((store) => ({ after, reader: follow(store, id, after) })));
    for (let seq = 4; seq <= 50; seq++) {
      await append(tokenFrame(seq));
      if (seq % 7 === 0) await turn();
    }
    await append(endFrame(51));
    for (const { after, reader } of readers) {
      await reader.ended;
      expect(reader.seqs).toEqual(from(after + 1, 51));
      // The same bytes everywhere.
      expect(reader.frames.map(({ sse }) => sse)).toEqual(
        from(after + 1, 51).map((seq) => (seq === 51 ? endFrame(51) : tokenFrame(seq)).sse),
      );
    }
    for (const store of [one, other]) {
      expect(await store.head(id)).toEqual({ seq: 51, ended: true });
      const late = follow(store, id, 51);
      await late.ended;
      expect(late.seqs).toEqual([]);
    }
  });

  test(`${name}: nothing follows a terminal frame`, async () => {
    const { one, other, id, append } = await begin();
    await append(tokenFrame(1));
    await append(endFrame(2));
    await append(tokenFrame(3));
    const reader = follow(one, id, 0);
    await reader.ended;
    expect(reader.seqs).toEqual([1, 2]);
    await append(tokenFrame(3));
    expect(await other.head(id)).toEqual({ seq: 2, ended: true });
  });

  test(`${name}: a log that was never created, or is deleted, has no head, no record and nothing to follow`, async () => {
    const { one, other, id, append } = await begin();
    const unknown = runRecord().id;
    for (const store of [one, other]) {
      expect(await store.head(unknown)).toBeUndefined();
      expect(await store.find(unknown)).toBeUndefined();
      expect(await store.tell(unknown, { type: "cancel", reason: "user" })).toBeUndefined();
      const reader = follow(store, unknown, 0);
      await reader.ended;
      expect(reader.seqs).toEqual([]);
    }
    await append(tokenFrame(1));
    const waiting = [one, other].map((store) => follow(store, id, 0));
    await eventually(() => waiting.every(({ frames }) => frames.length === 1), "the event");
    await one.delete(id);
    for (const reader of waiting) {
      await reader.ended;
      expect(reader.seqs).toEqual([1]);
    }
    for (const store of [one, other]) expect(await store.head(id)).toBeUndefined();
  });

  test(`${name}: a reader that left is given nothing more`, async () => {
    const { one, other, id, append } = await begin();
    await append(tokenFrame(1));
    const readers = [one, other].map((store) => follow(store, id, 0));
    await eventually(() => readers.every(({ frames }) => frames.length === 1), "the event");
    for (const { place } of readers) place.leave();
    const staying = [one, other].map((store) => follow(store, id, 0));
    await append(tokenFrame(2));
    await append(endFrame(3));
    for (const reader of staying) await reader.ended;
    for (const reader of readers) {
      expect(reader.seqs).toEqual([1]);
      expect(reader.isEnded).toBe(false);
    }
  });

  test(`${name}: a reader that asks to wait gets nothing until then, loses nothing, and holds nobody up`, async () => {
    const { one, other, id, append } = await begin();
    await append(tokenFrame(1));
    const slow = [one, other].map((store) => {
      const reader = follow(store, id, 0);
      let goOn: () => void = () => undefined;
      reader.wait = () => new Promise((resolve) => (goOn = resolve));
      return { reader, goOn: () => ((reader.wait = undefined), goOn()) };
    });
    await eventually(() => slow.every(({ reader }) => reader.frames.length === 1), "the first event");
    const quick = [one, other].map((store) => follow(store, id, 0));
    for (let seq = 2; seq <= 20; seq++) await append(tokenFrame(seq));
    await append(endFrame(21));
    for (const reader of quick) await reader.ended;
    for (const { reader, goOn } of slow) {
      expect(reader.seqs).toEqual([1]);
      goOn();
      await reader.ended;
      expect(reader.seqs).toEqual(from(1, 21));
    }
  });

  test(`${name}: an outgrown log gives a snapshot to old cursors, wherever they stand, and the same message`, async () => {
    const { one, other, id, append } = await begin();
    const count = 2000;
    for (let seq = 1; seq <= count; seq++) {
      await append(tokenFrame(seq));
      if (seq % 50 === 0) await turn();
    }
    await append(endFrame(count + 1));
    await eventually(async () => (await one.head(id))?.ended === true, "the end");
    const whole = Array.from({ length: count - 1 }, (_, index) => `t${index + 2} `).join("");
    for (const store of [one, other]) {
      for (const after of [0, 1, 2, 500, 1000, count - 1, count]) {
        let text = after <= 1 ? "" : whole.slice(0, whole.indexOf(`t${after} `) + `t${after} `.length);
        let seq = after;
        let snapshots = 0;
        const reader = follow(store, id, after);
        await reader.ended;
        for (const frame of reader.frames) {
          const chunk = frameChunk(frame);
          if (chunk.type === "snapshot") {
            expect(frame.seq).toBeGreaterThan(seq);
            text = chunk.message.chunks.map((part) => (part.type === "token" ? part.content : "")).join("");
            snapshots++;
          } else {
            expect(frame.seq).toBe(seq + 1);
            if (chunk.type === "token") text += chunk.content;
          }
          seq = frame.seq;
        }
        expect(seq).toBe(count + 1);
        expect(text, `from ${after}`).toBe(whole);
        expect(snapshots).toBe(after <= 1000 ? 1 : 0);
      }
    }
  });

  test(`${name}: no reader is ever ahead of what another instance can give`, async () => {
    const { one, other, id, append } = await begin();
    const ahead: string[] = [];
    const checks: Promise<void>[] = [];
    const reader = new Collector();
    reader.wait = () => {
      const seq = reader.seqs.at(-1) ?? 0;
      const check = (async () => {
        const head = await other.head(id);
        if ((head?.seq ?? 0) < seq) ahead.push(`${seq} where the log ends at ${head?.seq}`);
      })();
      checks.push(check);
      return check;
    };
    one.follow(id, 0, reader);
    for (let seq = 1; seq <= 150; seq++) {
      await append(tokenFrame(seq));
      if (seq % 3 === 0) await turn();
    }
    await append(endFrame(151));
    await reader.ended;
    await Promise.all(checks);
    expect(ahead).toEqual([]);
    expect(reader.seqs).toEqual(from(1, 151));
  });

  test(`${name}: the same request begins one run, wherever and however often it is asked at once`, async () => {
    const { one, other } = await begin();
    const key = randomBytes(8).toString("hex");
    const records = Array.from({ length: 20 }, runRecord);
    const answers = await Promise.all(records.map(async (record, index) => (index % 2 === 0 ? one : other).create(record, key)));
    const winners = records.filter((_, index) => answers[index] === undefined);
    expect(winners).toHaveLength(1);
    const [winner] = winners;
    expect(answers.filter((answer) => answer !== undefined)).toEqual(Array.from({ length: 19 }, () => winner));
    for (const store of [one, other]) {
      expect(await store.create(runRecord(), key)).toEqual(winner);
      expect(await store.find(winner?.id ?? "")).toEqual(winner);
    }
    expect(await one.create(runRecord(), `${key}-other`)).toBeUndefined();
  });

  test(`${name}: what is said to a run reaches the process that has it, once, and its answer comes back`, async () => {
    const { one, other, id } = await begin();
    const heard: [string, RunMessage][] = [];
    one.serve({
      deliver: (runId, message) => {
        heard.push([runId, message]);
        return message.type === "tool_result" ? "duplicate" : "accepted";
      },
      lost: () => undefined,
    });
    const result: RunMessage = { type: "tool_result", result: { toolCallId: "c", result: { text: "ü\n" } } };
    expect(await one.tell(id, { type: "cancel", reason: "user" })).toBe("accepted");
    expect(await other.tell(id, result)).toBe("duplicate");
    expect(await Promise.all(Array.from({ length: 20 }, () => other.tell(id, { type: "cancel", reason: "user" })))).toEqual(
      Array.from({ length: 20 }, () => "accepted"),
    );
    expect(heard).toHaveLength(22);
    expect(heard[1]).toEqual([id, result]);
  });

  test(`${name}: a frame's JSON comes through whatever the text holds`, async () => {
    const { other, id, append } = await begin();
    const content = 'a\nb\r\nc\u2028\u0000 data: x\n\nid: 9 "quoted" 😀 \ud800';
    await append(tokenFrame(1));
    await append(encodeFrame({ type: "token", content }, 2));
    await append(endFrame(3));
    const reader = follow(other, id, 0);
    await reader.ended;
    expect(JSON.parse(frameJson(reader.frames[1] as Frame))).toEqual({ type: "token", content, seq: 2 });
  });
}
