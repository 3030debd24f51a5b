/**
 * The clients, in a process of their own: plain sockets, and of what arrives only the tokens' times are read.
 * It tells how busy it was: a generator above 70 % would measure itself.
 */
import { connect } from "node:net";

import { clock } from "./server-model.mjs";

const AT = "@".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
/** Latencies in steps of 10 µs, up to 10 s. */
const histogram = new Uint32Array(1_000_000);
let counting = false;
let tokens = 0;
let bytes = 0;
let connected = 0;
let closed = 0;

function read(buffer, length) {
  if (!counting) return;
  bytes += length;
  const now = clock();
  for (let at = buffer.indexOf(AT, 0); at !== -1 && at + 9 < length; at = buffer.indexOf(AT, at + 1)) {
    let time = 0;
    let digits = 0;
    for (; digits < 9; digits++) {
      const digit = buffer[at + 1 + digits] - ZERO;
      if (digit < 0 || digit > 9) break;
      time = time * 10 + digit;
    }
    if (digits < 9) continue;
    tokens++;
    const late = (now - time + 1_000_000_000) % 1_000_000_000;
    histogram[Math.min(histogram.length - 1, Math.floor(late / 10))]++;
  }
}

function open({ port, path = "/", body, accept, upgrade }) {
  const head = [
    `${body ? "POST" : "GET"} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...(accept ? [`Accept: ${accept}`] : []),
    ...(body ? ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`] : []),
    ...(upgrade
      ? ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
      : []),
  ];
  const buffer = Buffer.alloc(16_384);
  const socket = connect({
    port,
    host: "127.0.0.1",
    // One buffer for each socket instead of one for each read.
    onread: {
      buffer,
      callback(length) {
        // What an earlier, longer read left behind it must not be found again.
        read(length < buffer.length ? buffer.subarray(0, length) : buffer, length);
        return true;
      },
    },
  });
  socket.on("connect", () => {
    connected++;
    socket.write(`${head.join("\r\n")}\r\n\r\n${body ?? ""}`);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => closed++);
}

function percentile(share) {
  let left = Math.ceil(tokens * share);
  for (let step = 0; step < histogram.length; step++) {
    left -= histogram[step];
    if (left <= 0) return (step + 0.5) / 100;
  }
  return Number.POSITIVE_INFINITY;
}

let utilization;
process.on("message", async (message) => {
  if (message.open) {
    // In small groups: a listen queue is 511 long.
    for (let index = 0; index < message.streams; index++) {
      open(message.open);
      if (index % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    while (connected < message.streams) await new Promise((resolve) => setTimeout(resolve, 10));
    process.send({});
  } else if (message === "begin") {
    utilization = performance.eventLoopUtilization();
    counting = true;
    process.send({});
  } else if (message === "end") {
    counting = false;
    const busy = performance.eventLoopUtilization(utilization).utilization;
    process.send({ tokens, closed, busy, bytesPerToken: bytes / tokens, p50: percentile(0.5), p99: percentile(0.99) });
  }
});
process.send({});
// Nothing is left behind when the bench is interrupted.
process.on("disconnect", () => process.exit());
