/** One suite for every transport, over real connections: what it promises is what `transport.ts` says. */
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";

import type { ChatError } from "../errors.ts";
import type { StreamChunk } from "../protocol/chunk.ts";
import { collect } from "../testing/answer.ts";
import { TestGateway, type Fault } from "../testing/gateway.ts";
import { watchTimers } from "../testing/timers.ts";
import { until } from "../testing/until.ts";
import { createEventSourceTransport } from "./event-source.ts";
import { createFetchSseTransport } from "./fetch-sse.ts";
import type { ChatTransport, ReconnectNotice, TransportChunk, TransportOptions } from "./transport.ts";
import { createWebSocketTransport } from "./web-socket.ts";

const TEXT = ["Grü", "ße ", "漢", "😀!"];
const SCRIPT: StreamChunk[] = [...TEXT.map((content): StreamChunk => ({ type: "token", content })), { type: "done", reason: "stop" }];
const QUICK = { baseMs: 1, maxMs: 3, maxAttempts: 4 };

interface Maker {
  /** What its connection carries. */
  wire: "sse" | "ws";
  seesHeartbeats: boolean;
  make: (options: TransportOptions) => ChatTransport;
}

describeTransport("fetch-sse", { wire: "sse", seesHeartbeats: true, make: createFetchSseTransport });
describeTransport("web-socket", {
  wire: "ws",
  seesHeartbeats: true,
  make: (options) => createWebSocketTransport({ ...options, WebSocket: WebSocket }),
});
describeTransport("event-source", {
  wire: "sse",
  seesHeartbeats: false,
  make: (options) => createEventSourceTransport({ ...options, EventSource: EventSource }),
});

function describeTransport(name: string, { wire, seesHeartbeats, make }: Maker): void {
  describe(name, () => {
    let gateway: TestGateway;
    const transports: ChatTransport[] = [];
    beforeEach(async () => {
      gateway = await TestGateway.start({ script: SCRIPT });
    });
    afterEach(async () => {
      for (const transport of transports.splice(0)) transport.close();
      await gateway.close();
    });

    interface Followed {
      chunks: TransportChunk[];
      reconnects: ReconnectNotice[];
      connected: number;
      reports: ChatError[];
    }

    function open(options: Partial<TransportOptions> = {}): ChatTransport {
      const transport = make({ endpoint: gateway.endpoint, retry: QUICK, ...options });
      transports.push(transport);
      return transport;
    }

    interface Follow extends Partial<TransportOptions> {
      requestId?: string;
      signal?: AbortSignal;
      transport?: ChatTransport;
      resume?: [streamId: string, lastSeq: number];
      onChunk?: (chunk: TransportChunk) => void | Promise<void>;
      onReconnect?: (notice: ReconnectNotice) => void;
    }

    async function follow({
      requestId = "r1",
      signal,
      resume,
      onChunk,
      onReconnect,
      transport,
      ...options
    }: Follow = {}): Promise<Followed> {
      const followed: Followed = { chunks: [], reconnects: [], connected: 0, reports: [] };
      const used = transport ?? open(options);
      const watching = {
        signal,
        onReconnect: (notice: ReconnectNotice) => {
          followed.reconnects.push(notice);
          onReconnect?.(notice);
        },
        onConnected: () => void followed.connected++,
        onProtocolError: (error: ChatError) => void followed.reports.push(error),
      };
      const chunks = resume
        ? used.resume(...resume, watching)
        : used.send({ agentId: "agent", messages: [{ role: "user", content: "Hi" }], requestId }, watching);
      for await (const chunk of chunks) {
        followed.chunks.push(chunk);
        await onChunk?.(chunk);
      }
      return followed;
    }

    /** What the reader got, as the log holds it. */
    const logged = (chunks: TransportChunk[]): unknown[] =>
      chunks.map((chunk) => {
        if (chunk.type === "start") return chunk;
        const { streamId: _, ...rest } = chunk;
        return rest;
      });
    const log = (index = 0): unknown[] => gateway.runs[index]!.frames.map(({ text }) => JSON.parse(text) as unknown);
    const textOf = (chunks: TransportChunk[]): string => chunks.map((chunk) => (chunk.type === "token" ? chunk.content : "")).join("");
    const ends = (chunks: TransportChunk[]): TransportChunk[] =>
      chunks.filter(({ type }) => type === "done" || type === "error" || type === "cancelled");
    /** Requests that began or attached to a run. */
    const sends = (): { requestId?: unknown }[] => gateway.requests(wire === "ws" ? "ws chat" : "POST /stream").map(({ body }) => body);
    const resumes = (): number[] =>
      gateway.received
        .filter(({ method, path }) => method === "resume" || (method === "GET" && path.startsWith("/stream/")))
        .map(({ lastSeq }) => lastSeq);
    const run = (): TestGateway["latest"] => gateway.latest;

    test("the events come in order, each seq once, and end with the one terminal", async () => {
      const { chunks, reconnects, reports } = await follow();
      expect(logged(chunks)).toEqual(log());
      expect(chunks.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(textOf(chunks)).toBe(TEXT.join(""));
      expect([reconnects, reports]).toEqual([[], []]);
    });

    test("the request carries what was asked", async () => {
      await follow({ requestId: "mine" });
      expect(sends()).toMatchObject([{ agentId: "agent", messages: [{ role: "user", content: "Hi" }], requestId: "mine" }]);
    });

    test("events come as they are made, not at the end", async () => {
      gateway.script = [];
      const seen: string[] = [];
      await follow({
        onChunk: ({ type }) => {
          seen.push(type);
          if (type === "start") setTimeout(() => run().append({ type: "token", content: "a" }), 5);
          if (type === "token") setTimeout(() => run().append({ type: "done", reason: "stop" }), 5);
        },
      });
      expect(seen).toEqual(["start", "token", "done"]);
    });

    test("two streams at once do not mix", async () => {
      const transport = open();
      const [one, two] = await Promise.all([follow({ transport, requestId: "one" }), follow({ transport, requestId: "two" })]);
      const byRequest = (requestId: string): unknown[] => log(gateway.runs.findIndex((candidate) => candidate.requestId === requestId));
      expect(logged(one.chunks)).toEqual(byRequest("one"));
      expect(logged(two.chunks)).toEqual(byRequest("two"));
    });

    describe("a cut is never an end", () => {
      /** Runs `action` for each item, some at a time: each has its own request, so they do not meet. */
      async function each(count: number, action: (at: number) => Promise<void>): Promise<void> {
        let next = 0;
        const work = async (): Promise<void> => {
          while (next < count) await action(next++);
        };
        await Promise.all(Array.from({ length: 12 }, work));
      }

      test.each(["fin", "rst"] as const)("the resumed text is the uncut one at every byte (%s)", { timeout: 60_000 }, async (how) => {
        const total = TestGateway.bytesOf(gateway.addRun(...SCRIPT).frames, wire, "s1").length + 40;
        const where: number[] = [];
        gateway.received.length = 0;
        await each(total, async (afterBytes) => {
          const requestId = `cut-${afterBytes}`;
          gateway.fail(requestId, { stop: { afterBytes, how } });
          const transport = open();
          const { chunks, reports } = await follow({ requestId, transport });
          transport.close();
          const mine = gateway.runs.findIndex((candidate) => candidate.requestId === requestId);
          if (JSON.stringify(logged(chunks)) !== JSON.stringify(log(mine)) || reports.length > 0) where.push(afterBytes);
          expect(gateway.runs.filter((candidate) => candidate.requestId === requestId)).toHaveLength(1);
        });
        expect(where, "cut after these bytes").toEqual([]);
        // The cuts were real: nearly each of them cost a second connection.
        expect(resumes().length + sends().length).toBeGreaterThan(total * 1.5);
      });

      test("a resume asks for what comes after the last event it has", async () => {
        gateway.fail("r1", { stop: { afterFrames: 3, how: "fin" } });
        const { chunks } = await follow();
        expect(resumes().filter((lastSeq) => lastSeq > 0)).toEqual([3]);
        expect(logged(chunks)).toEqual(log());
      });

      test("many cuts in a row", { timeout: 30_000 }, async () => {
        await each(60, async (at) => {
          const requestId = `many-${at}`;
          gateway.fail(
            requestId,
            ...Array.from({ length: 8 }, (_, n): Fault => ({
              stop: { afterBytes: (at * 37 + n * 101) % 400, how: (at + n) % 2 ? "fin" : "rst" },
            })),
          );
          const transport = open({ retry: { ...QUICK, maxAttempts: 20 } });
          const { chunks } = await follow({ requestId, transport });
          transport.close();
          expect(logged(chunks)).toEqual(log(gateway.runs.findIndex((candidate) => candidate.requestId === requestId)));
        });
      });

      test("a clean end without a terminal event is resumed", async () => {
        gateway.fail("r1", { stop: { afterFrames: 4, how: "end" } });
        const { chunks, reconnects } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toHaveLength(1);
      });

      test("onReconnect tells the attempt, onConnected that it worked", async () => {
        gateway.fail("r1", { stop: { afterBytes: 20, how: "fin" } }, { stop: { afterBytes: 20, how: "rst" } });
        const { reconnects, connected } = await follow();
        expect(reconnects.map(({ attempt, maxAttempts }) => [attempt, maxAttempts])).toEqual([
          [1, 4],
          [2, 4],
        ]);
        expect(reconnects.every(({ cause }) => cause.retryable)).toBe(true);
        expect(connected).toBe(1);
      });

      test.runIf(seesHeartbeats)("a connection that is there counts as connected, although its stream says nothing", async () => {
        gateway.script = [{ type: "token", content: "a" }];
        gateway.fail("r1", { stop: { afterFrames: 2, how: "fin" } }, { heartbeatMs: 20 });
        const stop = new AbortController();
        let connected = 0;
        const request = { agentId: "a", messages: [], requestId: "r1" };
        const reading = (async () => {
          for await (const _ of open().send(request, { signal: stop.signal, onConnected: () => connected++ }));
        })();
        await until("it counts as connected", () => connected === 1);
        stop.abort();
        await reading;
      });

      test("each wait is longer, with the jitter that was given", async () => {
        gateway.fail("r1", ...Array.from({ length: 9 }, (): Fault => ({ stop: { afterBytes: 0, how: "fin" } })));
        const { reconnects } = await follow({ retry: { maxAttempts: 4, baseMs: 4, maxMs: 20, random: () => 0.5 } });
        expect(reconnects.map(({ delayMs }) => delayMs)).toEqual([3, 6, 12, 15]);
      });
    });

    describe("the budget", () => {
      const cutAtOnce = (count: number): Fault[] => Array.from({ length: count }, () => ({ stop: { afterBytes: 0, how: "fin" } }));

      test("spent before the first event: an error that may be tried again", async () => {
        gateway.fail("r1", ...cutAtOnce(50));
        const { chunks, reconnects } = await follow();
        expect(chunks).toMatchObject([{ type: "error", retryable: true }]);
        expect(chunks[0]!.seq).toBeUndefined();
        expect(reconnects.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
      });

      test("spent after events came: truncated, and what came is kept", async () => {
        gateway.fail("r1", { stop: { afterFrames: 3, how: "fin" } }, ...cutAtOnce(50));
        const { chunks, reconnects } = await follow();
        expect(textOf(chunks)).toBe("Grüße ");
        expect(chunks.at(-1)).toMatchObject({ type: "error", code: "truncated", retryable: true });
        expect(chunks.at(-1)!.seq).toBeUndefined();
        expect(ends(chunks)).toHaveLength(1);
        expect(reconnects).toHaveLength(4);
      });

      test("progress makes it whole again", async () => {
        gateway.script = [
          ...Array.from({ length: 12 }, (_, at): StreamChunk => ({ type: "token", content: String(at) })),
          { type: "done", reason: "stop" },
        ];
        // Each connection gives one event and is cut: with a budget of 2 only progress can reach the end.
        gateway.fail("r1", ...Array.from({ length: 30 }, (): Fault => ({ stop: { afterFrames: 1, how: "fin" } })));
        const { chunks } = await follow({ retry: { ...QUICK, maxAttempts: 2 } });
        expect(logged(chunks)).toEqual(log());
      });

      test("a server that is not there", async () => {
        const transport = open();
        await gateway.close();
        const { chunks } = await follow({ transport });
        expect(chunks).toMatchObject([{ type: "error", code: "network", retryable: true }]);
      });
    });

    describe("a run is begun once", () => {
      test.each([
        ["the connection closes before the headers", ["before-headers", "before-headers"] as const],
        ["the connection closes inside the headers", ["inside-headers"] as const],
      ])("%s", async (_, faults) => {
        gateway.connectFaults.push(...faults);
        const { chunks, reconnects } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toHaveLength(faults.length);
        expect(gateway.runs).toHaveLength(1);
      });

      test("a run that began although no answer came is attached to, by the same requestId", async () => {
        gateway.fail("r1", { vanish: true }, { vanish: true });
        const { chunks } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect(gateway.runs).toHaveLength(1);
        expect(sends().map(({ requestId }) => requestId)).toEqual(["r1", "r1", "r1"]);
      });
    });

    describe("order", () => {
      test("repeated events are dropped", async () => {
        gateway.fail("r1", { edit: (frames) => frames.flatMap((frame) => [frame, ...frames.slice(0, frame.seq)]) });
        const { chunks, reconnects } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toEqual([]);
      });

      test("a gap is never rendered across: it counts as a cut", async () => {
        gateway.fail("r1", { edit: (frames) => frames.filter(({ seq }) => seq !== 3) });
        const { chunks, reconnects } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toMatchObject([{ cause: { code: "truncated" } }]);
        expect(resumes().at(-1)).toBe(2);
      });

      test("a gap in a stream that goes on meanwhile", async () => {
        gateway.script = [];
        gateway.fail("r1", { edit: (frames) => frames.filter(({ seq }) => seq !== 3) });
        let said = 0;
        const timer = setInterval(() => {
          if (gateway.runs.length > 0)
            run().append(said++ < 60 ? { type: "token", content: `${said} ` } : { type: "done", reason: "stop" });
        }, 1);
        const { chunks } = await follow();
        clearInterval(timer);
        expect(logged(chunks)).toEqual(log());
      });

      test("a gap that stays is truncated in the end", async () => {
        gateway.fail("r1", ...Array.from({ length: 20 }, (): Fault => ({ edit: (frames) => frames.filter(({ seq }) => seq !== 3) })));
        const { chunks } = await follow();
        expect(textOf(chunks)).toBe("Grü");
        expect(ends(chunks)).toMatchObject([{ type: "error", code: "truncated" }]);
      });

      test("a snapshot may jump, and what follows goes on from its seq", async () => {
        gateway.script = [
          { type: "token", content: "a" },
          { type: "token", content: "b" },
          { type: "snapshot", message: { messageId: "m", chunks: [] } },
          ...SCRIPT,
        ];
        gateway.fail("r1", { edit: (frames) => frames.filter(({ seq }) => seq! < 2 || seq! > 3) });
        const { chunks, reconnects } = await follow();
        expect(chunks.map(({ seq }) => seq)).toEqual([1, 4, 5, 6, 7, 8, 9]);
        expect(reconnects).toEqual([]);
      });
    });

    describe("frames that are not our protocol", () => {
      const replaced = (text: string): Fault => ({
        edit: (frames) => frames.map((frame) => (frame.seq === 3 ? { ...frame, text } : frame)),
      });

      test.each([
        ["no JSON", '{"type":"token","content":"x'],
        ["no object", "17"],
        ["a wrong field", '{"type":"token","content":7,"seq":3}'],
      ])("%s: reported, skipped, and not asked for again", async (_, text) => {
        gateway.fail("r1", replaced(text));
        const { chunks, reconnects, reports } = await follow();
        expect(logged(chunks)).toEqual(log().toSpliced(2, 1));
        expect(reports.map(({ code }) => code)).toEqual(["bad_frame"]);
        expect(reconnects).toEqual([]);
      });

      test("a bad frame outside the log is reported, and nothing is missing", async () => {
        gateway.fail("r1", { edit: (frames) => frames.flatMap((frame) => [frame, { seq: undefined, text: "nope" }]) });
        const { chunks, reconnects, reports } = await follow();
        expect(logged(chunks)).toEqual(log());
        // What comes after the last event is not read any more.
        expect(reports.length).toBeGreaterThanOrEqual(5);
        expect(reconnects).toEqual([]);
      });

      test("a bad frame that lost its number too is passed over", async () => {
        gateway.fail("r1", { edit: (frames) => frames.map((frame) => (frame.seq === 3 ? { seq: undefined, text: "nope" } : frame)) });
        const { chunks, reconnects } = await follow();
        expect(logged(chunks)).toEqual(log().toSpliced(2, 1));
        expect(reconnects).toEqual([]);
      });

      test("unknown types are ignored, but their seq counts", async () => {
        gateway.fail("r1", replaced('{"type":"hologram","x":1,"seq":3,"streamId":"s1"}'));
        const { chunks, reconnects, reports } = await follow();
        expect(logged(chunks)).toEqual(log().toSpliced(2, 1));
        expect([reconnects, reports]).toEqual([[], []]);
      });

      test("pings and unknown frames without a seq are ignored", async () => {
        gateway.fail("r1", {
          edit: (frames) =>
            frames.flatMap((frame) => [
              { seq: undefined, text: '{"type":"ping"}' },
              { seq: undefined, text: '{"type":"token","content":"forged"}' },
              frame,
            ]),
        });
        const { chunks, reconnects, reports } = await follow();
        expect(logged(chunks)).toEqual(log());
        expect([reconnects, reports]).toEqual([[], []]);
      });

      test("an error without a seq is an answer, not an event", async () => {
        gateway.fail("r1", {
          edit: (frames) => [
            frames[0]!,
            { seq: undefined, text: '{"type":"error","code":"forbidden","message":"No.","retryable":false,"streamId":"s1"}' },
            ...frames.slice(1),
          ],
        });
        const { chunks, reconnects } = await follow();
        expect(chunks.map(({ type }) => type)).toEqual(["start", "error"]);
        expect(chunks.at(-1)).toMatchObject({ code: "truncated" });
        expect(reconnects).toEqual([]);
      });
    });

    describe("answers that trying again will not change", () => {
      const asked = (): number => sends().length + resumes().length;

      test.each([
        [400, "bad_request"],
        [401, "unauthorized"],
        [403, "forbidden"],
        [413, "payload_too_large"],
      ])("%i is told at once, without a retry", async (status, code) => {
        gateway.fail("r1", { refuse: { status, code } });
        const { chunks, reconnects } = await follow();
        expect(chunks).toEqual([{ type: "error", code, message: `The gateway says ${code}.`, retryable: false, status }]);
        expect(reconnects).toEqual([]);
        expect(asked()).toBe(1);
      });

      test("429 is told with its wait, and the person decides", async () => {
        gateway.fail("r1", { refuse: { status: 429, code: "rate_limited", retryable: true, headers: { "Retry-After": "7" } } });
        const { chunks, reconnects } = await follow();
        expect(chunks).toMatchObject([{ type: "error", code: "rate_limited", retryable: true, status: 429, retryAfterMs: 7000 }]);
        expect(reconnects).toEqual([]);
        expect(asked()).toBe(1);
      });

      test("an unknown stream on resume is truncated: the answer cannot be followed any more", async () => {
        for (const lastSeq of [0, 3]) {
          const { chunks, reconnects } = await follow({ resume: ["gone", lastSeq] });
          expect(chunks).toMatchObject([{ type: "error", code: "truncated", retryable: true }]);
          expect(reconnects).toEqual([]);
        }
      });

      test("a cursor beyond the head is truncated", async () => {
        const { streamId } = gateway.addRun(...SCRIPT);
        const { chunks, reconnects } = await follow({ resume: [streamId, 99] });
        expect(chunks).toMatchObject([{ type: "error", code: "truncated", status: 409 }]);
        expect(reconnects).toEqual([]);
      });

      test("a refusal in the middle keeps what came", async () => {
        const refuse = { status: 403, code: "forbidden" };
        gateway.fail("r1", { stop: { afterFrames: 3, how: "fin" } }, { refuse }, { refuse });
        const { chunks, reconnects } = await follow();
        expect(textOf(chunks)).toBe("Grüße ");
        expect(ends(chunks)).toMatchObject([{ type: "error", code: "truncated", retryable: true }]);
        expect(reconnects).toHaveLength(1);
      });
    });

    test("500 and 503 are tried again with the same requestId, after no less than Retry-After", async () => {
      gateway.fail(
        "r1",
        { refuse: { status: 500, code: "internal", retryable: true } },
        { refuse: { status: 503, code: "overloaded", retryable: true, headers: { "Retry-After": "1" } } },
      );
      const { chunks, reconnects } = await follow();
      expect(logged(chunks)).toEqual(log());
      expect(reconnects.map(({ delayMs }) => delayMs >= 1000)).toEqual([false, true]);
      expect(new Set(sends().map(({ requestId }) => requestId))).toEqual(new Set(["r1"]));
      expect(gateway.runs).toHaveLength(1);
    });

    describe("resume", () => {
      test.each([0, 1, 3, 5])("after %i gives the events behind it", async (lastSeq) => {
        const { streamId } = gateway.addRun(...SCRIPT);
        const { chunks } = await follow({ resume: [streamId, lastSeq] });
        expect(logged(chunks)).toEqual(log().slice(lastSeq));
        expect(resumes()).toEqual([lastSeq]);
        expect(sends()).toEqual([]);
      });

      test("replays and then goes on live, without a gap or a repeat", async () => {
        const live = gateway.addRun(...SCRIPT.slice(0, 2));
        const { chunks } = await follow({
          resume: [live.streamId, 1],
          onChunk: ({ seq }) => {
            if (seq === 3) live.append({ type: "token", content: "live" }, { type: "done", reason: "stop" });
          },
        });
        expect(chunks.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
      });

      test("after the terminal event nothing is missing: it ends at once", async () => {
        const { streamId, head } = gateway.addRun(...SCRIPT);
        const { chunks, reconnects } = await follow({ resume: [streamId, head] });
        expect(chunks).toMatchObject([{ type: "done" }]);
        expect(reconnects).toEqual([]);
      });
    });

    describe("silence", () => {
      const silentAfter = (afterFrames: number): Fault => ({ stop: { afterFrames, how: "silent" } });

      test.runIf(seesHeartbeats)("no byte for idleTimeoutMs is a dead connection, and another one goes on", async () => {
        gateway.fail("r1", silentAfter(3));
        const { chunks, reconnects } = await follow({ idleTimeoutMs: 250 });
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toMatchObject([{ cause: { code: "idle_timeout", retryable: true } }]);
      });

      test.runIf(seesHeartbeats)("a connection that hangs before its headers is dead too", async () => {
        gateway.connectFaults.push("hang");
        const { chunks, reconnects } = await follow({ idleTimeoutMs: 250 });
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toMatchObject([{ cause: { code: "idle_timeout" } }]);
      });

      test.runIf(seesHeartbeats)("heartbeats keep a connection alive that says nothing", async () => {
        gateway.script = SCRIPT.slice(0, 2);
        gateway.fail("r1", { heartbeatMs: 15 });
        setTimeout(() => run().append({ type: "done", reason: "stop" }), 600);
        const { chunks, reconnects } = await follow({ idleTimeoutMs: 250 });
        expect(chunks).toHaveLength(4);
        expect(reconnects).toEqual([]);
      });

      test("a reader that is slow is no silence", async () => {
        gateway.script = SCRIPT.slice(0, 2);
        gateway.fail("r1", { heartbeatMs: 10 });
        const { chunks, reconnects } = await follow({
          idleTimeoutMs: 250,
          onChunk: async ({ seq }) => {
            if (seq === 2) await new Promise((resolve) => setTimeout(resolve, 400));
            if (seq === 3) setTimeout(() => run().append({ type: "done", reason: "stop" }), 10);
          },
        });
        expect(logged(chunks)).toEqual(log());
        expect(reconnects).toEqual([]);
      });

      test("null switches the watch off", async () => {
        gateway.script = SCRIPT.slice(0, 2);
        setTimeout(() => run().append({ type: "done", reason: "stop" }), 120);
        const { reconnects } = await follow({ idleTimeoutMs: null });
        expect(reconnects).toEqual([]);
      });
    });

    describe("aborting the signal", () => {
      test("stops following without a word, and the run goes on", async () => {
        gateway.script = SCRIPT.slice(0, 2);
        const timers = watchTimers();
        const stop = new AbortController();
        const { chunks } = await follow({
          signal: stop.signal,
          onChunk: ({ seq }) => (seq === 3 ? setTimeout(() => stop.abort(), 5) : undefined) && undefined,
        });
        expect(ends(chunks)).toEqual([]);
        expect(run().ended).toBe(false);
        expect(gateway.requests("ws cancel")).toEqual([]);
        for (const transport of transports.splice(0)) transport.close();
        await until("the connection is gone", () => gateway.followers === 0);
        expect(timers.pending()).toBe(0);
        timers.restore();
      });

      test("while it connects", async () => {
        gateway.connectFaults.push("hang");
        const stop = new AbortController();
        setTimeout(() => stop.abort(), 20);
        const { chunks } = await follow({ signal: stop.signal });
        expect(chunks).toEqual([]);
      });

      test("while it waits to reconnect", async () => {
        gateway.fail("r1", { stop: { afterFrames: 1, how: "fin" } });
        const timers = watchTimers();
        const stop = new AbortController();
        const { chunks } = await follow({
          signal: stop.signal,
          retry: { baseMs: 60_000, maxMs: 60_000 },
          onReconnect: () => setTimeout(() => stop.abort(), 5),
        });
        expect(chunks.map(({ type }) => type)).toEqual(["start"]);
        expect(timers.pending()).toBe(0);
        timers.restore();
      });

      test("before it begins: nothing is asked", async () => {
        const { chunks } = await follow({ signal: AbortSignal.abort() });
        expect(chunks).toEqual([]);
        expect(gateway.received).toEqual([]);
      });
    });

    test("leaving the loop early lets go of the connection", async () => {
      gateway.script = SCRIPT.slice(0, 2);
      const timers = watchTimers();
      const transport = open();
      for await (const chunk of transport.send({ agentId: "agent", messages: [], requestId: "r1" })) if (chunk.type === "token") break;
      transport.close();
      await until("the connection is gone", () => gateway.followers === 0);
      expect(timers.pending()).toBe(0);
      timers.restore();
    });

    test("a stream read to its end leaves no timers", async () => {
      const timers = watchTimers();
      await follow();
      expect(timers.pending()).toBe(0);
      timers.restore();
    });

    describe("what goes up", () => {
      test("cancel ends the run at the gateway, while it is followed and when it is not", async () => {
        gateway.script = SCRIPT.slice(0, 2);
        const transport = open();
        const { chunks } = await follow({ transport, onChunk: ({ seq }) => (seq === 3 ? transport.cancel(run().streamId) : undefined) });
        expect(chunks.at(-1)).toMatchObject({ type: "cancelled", reason: "user" });
        const other = gateway.addRun();
        await open().cancel(other.streamId);
        await until("the run is cancelled", () => other.ended);
      });

      test("a tool's result reaches the run", async () => {
        gateway.script = [];
        gateway.onToolResult = (target, { toolCallId, result }) =>
          target.append({ type: "token", content: `${String(toolCallId)}=${JSON.stringify(result)}` }, { type: "done", reason: "stop" });
        const transport = open();
        const { chunks } = await follow({
          transport,
          onChunk: ({ type }) =>
            type === "start" ? transport.sendToolResult(run().streamId, { toolCallId: "a", result: [1] }) : undefined,
        });
        expect(textOf(chunks)).toBe("a=[1]");
      });

      test("an approval reaches the gateway", async () => {
        const { streamId } = gateway.addRun();
        await open().sendApproval(streamId, { toolCallId: "a", approved: false, reason: "no" });
        expect(gateway.requests(`POST /stream/${streamId}/approvals`).map(({ body }) => body)).toEqual([
          { toolCallId: "a", approved: false, reason: "no" },
        ]);
      });

      test("cancel rejects when the gateway could not be told", async () => {
        await expect(open().cancel("gone")).rejects.toMatchObject({ code: "not_found" });
        const transport = open();
        await gateway.close();
        await expect(transport.cancel("s1")).rejects.toMatchObject({ code: "network", retryable: true });
      });
    });
  });
}

describe("what only fetch-sse and event-source do", () => {
  let gateway: TestGateway;
  beforeEach(async () => {
    gateway = await TestGateway.start({ script: SCRIPT });
  });
  afterEach(() => gateway.close());
  const send = (transport: ChatTransport): Promise<TransportChunk[]> =>
    collect(transport.send({ agentId: "a", messages: [], requestId: "r1" }));

  test("headers are asked for each time, so that a token can be renewed", async () => {
    gateway.fail("r1", { stop: { afterFrames: 2, how: "fin" } });
    let asked = 0;
    await send(
      createFetchSseTransport({ endpoint: gateway.endpoint, retry: QUICK, headers: () => ({ Authorization: `Bearer ${++asked}` }) }),
    );
    expect(gateway.received.map(({ headers }) => headers.authorization)).toEqual(["Bearer 1", "Bearer 2"]);
  });

  test("an answer that is no event stream tells to check the endpoint", async () => {
    gateway.fail("r1", { refuse: { status: 200, body: "<!doctype html>" } });
    expect(await send(createFetchSseTransport({ endpoint: gateway.endpoint, retry: QUICK }))).toMatchObject([
      { type: "error", code: "bad_frame", message: expect.stringMatching(/text\/html.*endpoint/) as string },
    ]);
  });

  test("a proxy's error page is told by its status", async () => {
    gateway.fail("r1", { refuse: { status: 404, body: "<h1>secret words</h1>" } });
    expect(await send(createFetchSseTransport({ endpoint: gateway.endpoint, retry: QUICK }))).toEqual([
      { type: "error", code: "not_found", message: "The server answered 404.", retryable: false, status: 404 },
    ]);
  });

  test("events before one that is too large are kept", async () => {
    gateway.script = [
      { type: "token", content: "a" },
      { type: "token", content: "x".repeat(5_000_000) },
    ];
    const chunks = await send(createFetchSseTransport({ endpoint: gateway.endpoint, retry: QUICK }));
    expect(chunks.map(({ type }) => type)).toEqual(["start", "token", "error"]);
  });

  test("a trailing slash of the endpoint does not matter", async () => {
    expect(await send(createFetchSseTransport({ endpoint: `${gateway.endpoint}//` }))).toHaveLength(6);
  });

  test("a platform without EventSource or WebSocket is told what to do", () => {
    expect(() => createEventSourceTransport({ endpoint: "/x" })).toThrow(/no EventSource.*createFetchSseTransport/);
    expect(() => createWebSocketTransport({ endpoint: "/x" })).toThrow(/no WebSocket.*ws package/);
  });
});

describe("what only web-socket does", () => {
  let gateway: TestGateway;
  let transport: ChatTransport;
  beforeEach(async () => {
    gateway = await TestGateway.start({ script: SCRIPT });
    transport = createWebSocketTransport({
      endpoint: gateway.endpoint,
      retry: QUICK,
      WebSocket: WebSocket,
    });
  });
  afterEach(async () => {
    transport.close();
    await gateway.close();
  });
  const send = (requestId: string): Promise<TransportChunk[]> => collect(transport.send({ agentId: "a", messages: [], requestId }));

  test("several streams share one socket", async () => {
    await Promise.all(["a", "b", "c"].map(send));
    await send("d");
    expect(gateway.openSockets).toBe(1);
  });

  test("a cut of the socket is survived by each stream on it", async () => {
    gateway.script = SCRIPT.slice(0, 2);
    const followed = ["a", "b", "c"].map(send);
    await until("all follow", () => gateway.followers === 3);
    gateway.fail("d", { stop: { afterFrames: 1, how: "rst" } });
    followed.push(send("d"));
    await until("all follow again", () => gateway.requests("ws resume").length === 4);
    for (const run of gateway.runs) run.append({ type: "done", reason: "stop" });
    for (const chunks of await Promise.all(followed)) expect(chunks.map(({ type }) => type)).toEqual(["start", "token", "token", "done"]);
  });

  test("close ends what is followed with one error, and opens nothing again", async () => {
    gateway.script = SCRIPT.slice(0, 2);
    const chunks: TransportChunk[] = [];
    const following = (async () => {
      for await (const chunk of transport.send({ agentId: "a", messages: [], requestId: "a" })) chunks.push(chunk);
    })();
    await until("it has what there is", () => chunks.length === 3);
    transport.close();
    await following;
    expect(chunks.map(({ type }) => type)).toEqual(["start", "token", "token", "error"]);
    await until("the socket is gone", () => gateway.openSockets === 0);
    expect(gateway.requests("ws resume")).toEqual([]);
  });

  test("close while it connects", async () => {
    gateway.connectFaults.push("hang");
    const following = send("a");
    await until("it connects", () => gateway.openSockets === 1);
    transport.close();
    expect((await following).map(({ type }) => type)).toEqual(["error"]);
    await until("the socket is gone", () => gateway.openSockets === 0);
  });

  test("what a socket that was given up still delivers is not read", async () => {
    // A browser's socket has no terminate, and its close takes as long as the other side likes.
    class SlowToClose extends WebSocket {
      override terminate = undefined as never;
      override close(): void {
        setTimeout(() => super.close(), 50);
      }
    }
    const slow = createWebSocketTransport({
      endpoint: gateway.endpoint,
      retry: QUICK,
      WebSocket: SlowToClose,
    });
    gateway.script = [];
    gateway.fail("a", { edit: (frames) => frames.filter(({ seq }) => seq !== 3) });
    let said = 0;
    const timer = setInterval(() => {
      if (gateway.runs.length > 0)
        gateway.latest.append(said++ < 40 ? { type: "token", content: `${said} ` } : { type: "done", reason: "stop" });
    }, 1);
    let reconnects = 0;
    const chunks = await collect(slow.send({ agentId: "a", messages: [], requestId: "a" }, { onReconnect: () => void reconnects++ }));
    clearInterval(timer);
    slow.close();
    expect(chunks.map(({ seq }) => seq)).toEqual(gateway.latest.frames.map(({ seq }) => seq));
    expect(reconnects).toBe(1);
  });

  test("a stop over a socket that died unnoticed is told by REST", async () => {
    gateway.script = SCRIPT.slice(0, 2);
    gateway.fail("a", { stop: { afterFrames: 2, how: "silent" } });
    const following = send("a");
    await until("it follows", () => gateway.followers === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await transport.cancel("s1");
    expect(gateway.latest.ended).toBe(true);
    expect(gateway.requests("POST /stream/s1/cancel")).toHaveLength(1);
    transport.close();
    await following;
  });

  test("a stop over a socket that works is told once, by its message", async () => {
    gateway.script = SCRIPT.slice(0, 2);
    const following = send("a");
    await until("it follows", () => gateway.followers === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await transport.cancel("s1");
    expect((await following).at(-1)).toMatchObject({ type: "cancelled" });
    expect([gateway.requests("ws cancel").length, gateway.requests("POST /stream/s1/cancel").length]).toEqual([1, 0]);
  });

  test("after close a new send opens a new socket", async () => {
    await send("a");
    transport.close();
    expect(await send("b")).toHaveLength(6);
  });
});
