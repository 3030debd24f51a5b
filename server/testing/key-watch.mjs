/**
 * Looks for keys in every byte that servers write to their clients: responses, events, frames of WebSockets.
 * Imported before a gateway of its own (`node --import`), it watches all servers of that process for the keys in its environment, and
 * says `KEY LEAK` with the variable's name. Plain JavaScript: Node starts it as it is.
 */
import { subscribe } from "node:diagnostics_channel";

/** Shorter ones would be found by chance. */
const MIN_CHARS = 8;

export const isWatchable = (key) => typeof key === "string" && key.length >= MIN_CHARS;

/** @param keys by the name they are told with */
export function watchSocket(socket, keys, onLeak) {
  const entries = Object.entries(keys).filter(([, key]) => isWatchable(key));
  const longest = Math.max(0, ...entries.map(([, key]) => key.length));
  let end = "";
  const write = socket.write;
  socket.write = function (chunk, ...rest) {
    // A key may be cut in two by the pieces it is written in.
    const text = end + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1"));
    for (const [name, key] of entries) if (text.includes(key)) onLeak(name);
    end = text.slice(-longest + 1);
    return write.call(this, chunk, ...rest);
  };
}

if (process.execArgv.some((argument) => argument.endsWith("key-watch.mjs"))) {
  const keys = Object.fromEntries(Object.entries(process.env).filter(([name]) => /_(?:KEY|SECRET)$/.test(name)));
  const told = (name) => process.stdout.write(`KEY LEAK ${name}\n`);
  subscribe("net.server.socket", ({ socket }) => watchSocket(socket, keys, told));
}
