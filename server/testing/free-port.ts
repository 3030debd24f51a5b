/** A port for a program that cannot be told to take any and say which. */
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to outgoing connections (Linux: 32768 and up): those would take it before the program does. */
const [FIRST, COUNT] = [10_000, 20_000];

/** A TCP port of 127.0.0.1 where nobody listens now. Chosen at random, since tests run side by side. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer();
    try {
      await once(server.listen(port, "127.0.0.1"), "listening");
    } catch {
      continue; // Taken.
    }
    await once(server.close(), "close");
    return port;
  }
}
