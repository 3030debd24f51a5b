/** One stored event, encoded once and shared by all its readers. */
import { isTerminal, type StreamChunk } from "../../shared/protocol/chunk.ts";
import { encodeSseEvent } from "../../shared/sse/encoder.ts";

export interface Frame {
  readonly seq: number;
  /** The event as an SSE block. Its JSON is a slice of this text, not a second copy of it. */
  readonly sse: string;
  readonly terminal: boolean;
}

export function encodeFrame(chunk: StreamChunk, seq: number): Frame {
  return {
    seq,
    sse: encodeSseEvent({ id: seq, data: `${JSON.stringify(chunk).slice(0, -1)},"seq":${seq}}` }),
    terminal: isTerminal(chunk),
  };
}

/** The event as JSON with its `seq`. */
export function frameJson(frame: Frame): string {
  return frame.sse.slice(frame.sse.indexOf("data: ") + 6, -2);
}

/** The event for a socket that several streams share. `start` names its stream itself. */
export function socketJson(frame: Frame, streamId: string): string {
  const json = frameJson(frame);
  return json.startsWith('{"type":"start"') ? json : `${json.slice(0, -1)},"streamId":"${streamId}"}`;
}
