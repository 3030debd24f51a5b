/** The built pages and scripts, and the docs' Markdown that citations link to. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import express, { Router, type RequestHandler, type Response } from "express";

import type { DocsIndex } from "../providers/docs-index.ts";

export interface PagesOptions {
  /** Folder of the built files. */
  publicDir: string;
  docs: () => Promise<DocsIndex>;
}

/** What other sites load with a script tag. Nothing else of the folder is theirs. */
const SCRIPTS = ["chanl-chat.js", "chanl-chat.iife.js", "embed.js"].flatMap((name) => [name, `${name}.map`]);

export function pageRoutes({ publicDir, docs }: PagesOptions): Router {
  const router = Router();
  // Vite keeps a page's folder below its output folder, so the pages lie in demo/demo and their assets in demo/assets.
  const folders = [join(publicDir, "demo", "demo"), join(publicDir, "demo")];

  for (const name of SCRIPTS) {
    router.get(`/${name}`, (_request, response, next) => {
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
      response.setHeader("X-Content-Type-Options", "nosniff");
      // The name carries no version: a cache may keep it, and asks each time whether it is still right.
      response.setHeader("Cache-Control", "public, no-cache");
      response.sendFile(join(publicDir, name), { cacheControl: false }, (error) => (error ? next() : undefined));
    });
  }

  // The parts the script loads later, by names that change with their content.
  router.use(
    "/chunks",
    express.static(join(publicDir, "chunks"), {
      index: false,
      redirect: false,
      setHeaders: (response) => {
        response.setHeader("Access-Control-Allow-Origin", "*");
        response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Cache-Control", "public, max-age=31536000, immutable");
      },
    }),
  );

  router.get("/docs/*path", async (request, response, next) => {
    const path = request.params["path"];
    const page = (await docs()).pages.get(Array.isArray(path) ? path.join("/") : String(path));
    if (page === undefined) return next();
    setPageHeaders(response, request.headers.host);
    response.vary("Accept");
    response.setHeader("Cache-Control", "no-cache");
    // One address for people and for programs: a browser that follows a citation gets the page that draws the Markdown.
    const drawn = folders.map((folder) => join(folder, "docs.html")).find(existsSync);
    if (drawn && request.accepts(["text/markdown", "text/html"]) === "text/html") return response.sendFile(drawn, { cacheControl: false });
    return response.type("text/markdown; charset=utf-8").send(page);
  });

  for (const folder of folders) {
    router.use(
      withHeaders,
      express.static(folder, {
        extensions: ["html"],
        redirect: false,
        setHeaders: (response, path) => {
          const isHashed = /[/\\]assets[/\\]/.test(path);
          response.setHeader("Cache-Control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
        },
      }),
    );
  }
  router.get("/", (_request, response, next) => {
    if (existsSync(publicDir)) return next();
    response.status(503).type("text/plain").send("The gateway runs, but its pages are not built. Run: npm run build\n");
  });
  return router;
}

const withHeaders: RequestHandler = (request, response, next) => {
  setPageHeaders(response, request.headers.host);
  next();
};

/** The strictest policy the widget runs under; `lit-html` is the one Trusted Types policy Lit makes. */
function setPageHeaders(response: Response, host: string | undefined): void {
  const sockets = host !== undefined && /^[a-z0-9.:[\]-]+$/i.test(host) ? ` ws://${host} wss://${host}` : "";
  response.setHeader(
    "Content-Security-Policy",
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `connect-src 'self'${sockets}`,
      "img-src 'self' data:",
      "font-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
      "require-trusted-types-for 'script'",
      "trusted-types lit-html",
    ].join("; "),
  );
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "strict-origin-when-cross-origin");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}
