/** From Redis into a log in memory: everything that is not in it yet, each frame once and in order. */
import type { FrameLog } from "../frame-log.ts";
import { encodeFrame, frameChunk, parseFrames, type Frame } from "../frame.ts";
import type { RedisClient } from "./client.ts";
import type { LogEntry, RedisKeys } from "./keys.ts";

/** @returns the id of the last entry; `undefined` when there is no log. */
export async function readLog(redis: RedisClient, keys: RedisKeys, id: string, log: FrameLog): Promise<string | undefined> {
  const replies = await redis.multi().get(keys.snapshot(id)).xrange(keys.log(id), "-", "+").exec();
  const [snapshot, entries] = (replies ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  }) as [string | null, LogEntry[]];
  let last: string | undefined;
  for (const entry of entries) {
    if (!takeEntry(log, entry)) {
      const [frame] = snapshot === null ? [] : parseFrames(snapshot);
      // Neither the frames nor what they said: this is no log any more.
      if (!frame || frame.seq <= log.head) return undefined;
      log.reset(frame);
      if (!takeEntry(log, entry)) return undefined;
    }
    last = entry[0];
  }
  return last;
}

/** @returns false when frames are missing between the log's head and this entry. */
export function takeEntry(log: FrameLog, [, fields]: LogEntry): boolean {
  for (const frame of parseFrames(fields[1])) {
    // A Redis that came back without its last second was ended behind events that readers here have seen.
    const next = frame.terminal && frame.seq <= log.head && !log.ended ? withSeq(frame, log.head + 1) : frame;
    if (next.seq <= log.head) continue;
    if (next.seq > log.head + 1) return false;
    log.append(next);
  }
  return true;
}

function withSeq(frame: Frame, seq: number): Frame {
  return encodeFrame(frameChunk(frame), seq);
}
