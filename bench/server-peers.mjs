/** Every way to send the model's tokens to a client: each a server as its own documentation writes it. */
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const SSE = { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform" };

/** The event all of them send; ours has the same bytes. */
const data = (content, seq) => JSON.stringify({ type: "token", content, seq });
const sse = (content, seq) => `id: ${seq}\ndata: ${data(content, seq)}\n\n`;

/** Listens on a free port and gives it. */
function listen(server) {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

/** name → `(model, options) => {port, path, method, upgrade?, log?}` */
export const contenders = {
  /** The measure of the others: nothing between the token and the socket. It keeps nothing and knows nobody. */
  async "raw node:http"(model) {
    const server = createServer((_request, response) => {
      response.writeHead(200, SSE);
      let seq = 0;
      const stop = model.stream((content) => response.write(sse(content, ++seq)));
      response.on("close", stop);
    });
    return { port: await listen(server) };
  },

  async "chanl-chat gateway"(model, { serverBundle, windowMs }) {
    const { createServer: createGateway } = await import(pathToFileURL(serverBundle).href);
    const provider = {
      name: "bench",
      // As the gateway's own providers hand over what one read of their connection brings.
      async *stream({ onToken, signal }) {
        const stop = model.stream((content) => void onToken({ type: "token", content }));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        stop();
        yield { type: "cancelled", reason: "user" };
      },
    };
    const gateway = createGateway({
      port: 0,
      providers: { bench: provider },
      model: "bench/model",
      agents: [{ id: "bench", name: "Bench", instructions: "", tools: [] }],
      coalesceMs: windowMs,
      maxRuns: 100_000,
      graceMs: 0,
      publicDir: import.meta.dirname,
    });
    const url = await gateway.listen();
    const body = JSON.stringify({ agentId: "bench", messages: [{ role: "user", content: "go" }] });
    const { store } = gateway.gateway.runs;
    return { port: Number(new URL(url).port), path: "/api/chat/stream", body, log: () => store.totalBytes ?? 0 };
  },

  async "Express 5"(model) {
    const { default: express } = await import("express");
    const app = express();
    app.get("/", (_request, response) => {
      response.writeHead(200, SSE);
      let seq = 0;
      const stop = model.stream((content) => response.write(sse(content, ++seq)));
      response.on("close", stop);
    });
    return { port: await listen(createServer(app)) };
  },

  async "better-sse"(model) {
    const { createSession } = await import("better-sse");
    const server = createServer(async (request, response) => {
      const session = await createSession(request, response);
      let seq = 0;
      // Numbered like the others; by default it makes a UUID for each event.
      const stop = model.stream((content) => session.push({ type: "token", content, seq: ++seq }, "message", String(seq)));
      response.on("close", stop);
    });
    return { port: await listen(server) };
  },

  async "hono streamSSE"(model) {
    const { Hono } = await import("hono");
    const { streamSSE } = await import("hono/streaming");
    const { createAdaptorServer } = await import("@hono/node-server");
    const app = new Hono();
    app.get("/", (context) =>
      streamSSE(context, async (stream) => {
        let seq = 0;
        for await (const content of model.iterate((text) => text)) {
          if (stream.aborted) break;
          await stream.writeSSE({ id: String(++seq), data: data(content, seq) });
        }
      }),
    );
    return { port: await listen(createAdaptorServer({ fetch: app.fetch })) };
  },

  async "@fastify/sse"(model) {
    const { default: fastify } = await import("fastify");
    const { default: plugin } = await import("@fastify/sse");
    const app = fastify();
    await app.register(plugin);
    app.get("/", { sse: true }, async (_request, reply) => {
      let seq = 0;
      for await (const content of model.iterate((text) => text)) {
        seq++;
        await reply.sse.send({ id: String(seq), data: { type: "token", content, seq } });
      }
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return { port: app.server.address().port, accept: "text/event-stream" };
  },

  async ws(model) {
    const { WebSocketServer } = await import("ws");
    const server = createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    sockets.on("connection", (socket) => {
      let seq = 0;
      const stop = model.stream((content) => socket.send(data(content, ++seq)));
      socket.on("close", stop);
    });
    return { port: await listen(server), upgrade: true };
  },

  /** Its lightest form: a hand-written message stream, no `streamText`. */
  async "AI SDK 6 UI stream"(model) {
    const { createUIMessageStream, pipeUIMessageStreamToResponse } = await import("ai");
    const server = createServer((_request, response) => {
      const stream = createUIMessageStream({
        async execute({ writer }) {
          writer.write({ type: "text-start", id: "0" });
          for await (const delta of model.iterate((text) => text)) writer.write({ type: "text-delta", id: "0", delta });
        },
      });
      void pipeUIMessageStreamToResponse({ response, stream });
    });
    return { port: await listen(server) };
  },
};
