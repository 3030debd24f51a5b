/** Express wiring: which handler answers which address, and nothing else. */
import type { IncomingMessage, Server } from "node:http";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";

import express, { Router, type Express } from "express";

import { requireAdminKey } from "./auth/admin-key.ts";
import { ConfigError, defaultConfig, isLoopback, type GatewayConfig } from "./config.ts";
import { GatewayError } from "./errors.ts";
import { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
import { packageRoot } from "./package-root.ts";
import { agentRoutes } from "./routes/agents.ts";
import { chatRoutes } from "./routes/chat.ts";
import { answerError, notFound } from "./routes/error-answer.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { pageRoutes } from "./routes/pages.ts";
import { requestId } from "./routes/request-id.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { refuseUpgrade } from "./web-socket.ts";

const SOCKET_PATH = "/api/chat/ws";

/** The API as a router for one's own Express app; a WebSocket needs the server's `upgrade` event, which no router sees. */
export interface ChatRouter extends Router {
  /** `server.on("upgrade", (request, socket, head) => router.handleUpgrade(request, socket, head))` */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends running answers after `shutdownMs` and closes the sockets. */
  close(): Promise<void>;
}

export interface GatewayServer {
  app: Express;
  server: Server;
  gateway: Gateway;
  /** Listens on the configured host and port; resolves with the address. */
  listen(): Promise<string>;
  /** Takes nothing new, lets running answers end for `shutdownMs`, then ends them and every connection. */
  close(): Promise<void>;
}

/** Mount it at `/api`: `app.use("/api", createChatRouter(options))`. It reads JSON bodies itself. */
export function createChatRouter(options: GatewayOptions = {}): ChatRouter {
  const gateway = createGateway(options);
  gateway.docsUrl = withSlash(gateway.config.docsUrl);
  return Object.assign(apiRouter(gateway), {
    handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void gateway.sockets.handleUpgrade(request, socket, head),
    async close() {
      await gateway.runs.close(gateway.config.shutdownMs);
      gateway.sockets.close();
      await gateway.release();
    },
  });
}

/** @throws ConfigError for a server that anybody could use: reachable from other machines, without a way to tell callers apart. */
export function createServer(options: GatewayOptions = {}): GatewayServer {
  assertNotOpen({ ...defaultConfig(), ...options });
  const gateway = createGateway(options);
  const { config, heartbeat, logger } = gateway;
  const health = { ready: true, healthy: () => gateway.runs.store.healthy() };
  const app = express();
  app.disable("x-powered-by");
  // ETags of JSON answers only cost a hash; `query parser` simple: no nested objects out of a query string.
  app.set("etag", false);
  app.set("query parser", "simple");
  app.use(requestId);
  app.use(healthRoutes(health));
  app.use(metricsRoutes({ metrics: gateway.metrics, adminKey: config.adminKey, access: config.metrics }));
  app.use("/api", apiRouter(gateway));
  app.use(pageRoutes({ publicDir: config.publicDir ?? join(packageRoot(), "dist"), docs: gateway.docs }));
  app.use(notFound, answerError(logger));

  const server = createHttpServer(
    {
      // Longer than the 60 s after which load balancers reuse a connection: at Node's 5 s they meet a closed one and answer 502.
      keepAliveTimeout: 65_000,
      // A slow client may take this long for its headers and for its whole body. Answers are not limited by it.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
    },
    app,
  );
  // Beyond what one process can serve; without a limit its file descriptors run out first.
  server.maxConnections = 10_000;
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.split("?")[0] === SOCKET_PATH) void gateway.sockets.handleUpgrade(request, socket, head);
    else refuseUpgrade(socket, new GatewayError("not_found"));
  });

  return {
    app,
    server,
    gateway,
    async listen() {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(config.port, config.host, () => {
          server.off("error", reject);
          resolve();
        });
      });
      const url = urlOf(server.address() as AddressInfo);
      const publicUrl = config.publicUrl ?? (isLoopback(config.host) ? url : undefined);
      gateway.docsUrl = withSlash(config.docsUrl ?? `${publicUrl?.replace(/\/$/, "") ?? ""}/docs/`);
      return url;
    },
    async close() {
      health.ready = false;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if (gateway.runs.drain()) {
        heartbeat.reconnect();
        gateway.sockets.close();
      }
      await gateway.runs.close(config.shutdownMs);
      gateway.sockets.close();
      const released = gateway.release();
      // Answers that just got their last event need a moment to leave; idle keep-alive connections would hold the port for 65 s.
      const idle = setInterval(() => server.closeIdleConnections(), 20);
      const rest = setTimeout(() => server.closeAllConnections(), 800);
      await Promise.all([closed, released]);
      clearInterval(idle);
      clearTimeout(rest);
    },
  };
}

function apiRouter(gateway: Gateway): Router {
  const { chat, heartbeat, config, agents, tools, mcpServers, identify, logger, metrics } = gateway;
  const router = Router();
  router.use(gateway.origins.middleware());
  router.use("/chat", chatRoutes({ chat, heartbeat, stallMs: config.stallMs, identify, metrics }));
  router.use(
    "/agents",
    requireAdminKey(config.adminKey),
    agentRoutes({ agents, toolNames: [...tools.keys()], mcpServerNames: mcpServers.names, fixedIds: gateway.fixedAgentIds }),
  );
  router.use("/sessions", sessionRoutes({ agents, siteSecret: config.siteSecret, tokens: gateway.sessionTokens }));
  router.use(
    notFound,
    answerError(logger, (code) => metrics.refused(code)),
  );
  return router;
}

function assertNotOpen({ host, siteSecret, allowAnonymous, identify }: GatewayConfig & GatewayOptions): void {
  if (isLoopback(host) || siteSecret !== undefined || allowAnonymous || identify) return;
  throw new ConfigError(
    `HOST ${host} can be reached from other machines: set SITE_SECRET, so that pages need a session token, or ALLOW_ANONYMOUS=true to let everybody in.`,
  );
}

function urlOf({ address, family, port }: AddressInfo): string {
  const host = address === "::" || address === "0.0.0.0" ? "localhost" : family === "IPv6" ? `[${address}]` : address;
  return `http://${host}:${port}`;
}

function withSlash(url: string | undefined): string | undefined {
  return url === undefined || url.endsWith("/") ? url : `${url}/`;
}
