import { expect, test } from "vitest";

import type { StreamChunk } from "../../shared/protocol/chunk.ts";
import { describeRunStore, runRecord, type StorePair } from "../testing/run-store-conformance.ts";
import { encodeFrame, frameJson, socketJson } from "./frame.ts";
import { MemoryRunStore } from "./memory-run-store.ts";
import { mergeChunk } from "./snapshot.ts";

const alone = (store: MemoryRunStore): StorePair => ({ one: store, other: store });
describeRunStore("memory", () => alone(new MemoryRunStore({ maxBytes: 16_384 })));
describeRunStore("memory with a limit of events", () => alone(new MemoryRunStore({ maxEvents: 300 })));

test("above the total the oldest ended logs are dropped, running ones never", () => {
  const store = new MemoryRunStore({ maxTotalBytes: 20_000 });
  const fill = (id: string, ended: boolean): void => {
    store.create({ ...runRecord(), id }, undefined);
    void store.writer(id).append(encodeFrame({ type: "token", content: "x".repeat(6000) }, 1));
    if (ended) void store.writer(id).append(encodeFrame({ type: "done", reason: "stop" }, 2));
  };
  fill("running", false);
  for (let index = 0; index < 10; index++) fill(`ended-${index}`, true);
  expect(store.totalBytes).toBeLessThan(20_000);
  expect(store.head("running")).toEqual({ seq: 1, ended: false });
  expect(store.head("ended-0")).toBeUndefined();
  expect(store.head("ended-9")).toEqual({ seq: 2, ended: true });
  for (const id of ["running", "ended-9", "ended-8"]) store.delete(id);
  expect(store.totalBytes).toBe(0);
});

test("a frame is one event on every wire, whatever the text holds", () => {
  const content = 'a\nb\r\nc\u2028\u0000 data: x\n\nid: 9 "quoted" 😀\ud800';
  const frame = encodeFrame({ type: "token", content }, 7);
  expect(frame.sse.match(/\n/g)).toHaveLength(3);
  expect(JSON.parse(frameJson(frame))).toEqual({ type: "token", content, seq: 7 });
  expect(JSON.parse(socketJson(frame, "s1"))).toEqual({ type: "token", content, seq: 7, streamId: "s1" });
  const start: StreamChunk = { type: "start", streamId: "s1", messageId: "m", agentId: "a", model: "x", v: 1 };
  expect(JSON.parse(socketJson(encodeFrame(start, 1), "s1"))).toEqual({ ...start, seq: 1 });
});

test("a snapshot holds the fewest chunks that give the same message", () => {
  const chunks: StreamChunk[] = [];
  const say: StreamChunk[] = [
    { type: "start", streamId: "s", messageId: "m", agentId: "a", model: "x", v: 1 },
    { type: "reasoning", content: "r1" },
    { type: "reasoning", content: "r2" },
    { type: "token", content: "a" },
    { type: "token", content: "b" },
    { type: "tool_call_delta", index: 0, id: "c", name: "t", arguments: "" },
    { type: "tool_call_delta", index: 0, arguments: '{"x"' },
    { type: "tool_call_delta", index: 1, id: "d", name: "t", arguments: "[" },
    { type: "tool_call_delta", index: 0, arguments: ":1}" },
    { type: "tool_call", index: 0, id: "c", name: "t", arguments: { x: 1 }, runsOn: "server" },
    { type: "tool_progress", id: "c", progress: 1, total: 2, message: "one" },
    { type: "usage", outputTokens: 1 },
    { type: "tool_progress", id: "c", progress: 2, total: 2 },
    { type: "tool_call_delta", index: 1, arguments: "1" },
    { type: "usage", outputTokens: 2 },
    { type: "token", content: "c" },
  ];
  for (const chunk of say) mergeChunk(chunks, chunk);
  expect(chunks).toEqual([
    say[0],
    { type: "reasoning", content: "r1r2" },
    { type: "token", content: "ab" },
    { type: "tool_call", index: 0, id: "c", name: "t", arguments: { x: 1 }, runsOn: "server" },
    { type: "tool_call_delta", index: 1, id: "d", name: "t", arguments: "[1" },
    { type: "tool_progress", id: "c", progress: 2, total: 2 },
    { type: "usage", outputTokens: 2 },
    { type: "token", content: "c" },
  ]);
});
