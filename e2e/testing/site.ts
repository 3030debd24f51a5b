/** A web site on this machine under two names, which are two origins: `127.0.0.1` and `localhost`. Notes every request. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site {
  /** `http://127.0.0.1:port` */
  origin: string;
  /** The same pages under another origin. */
  otherOrigin: string;
  /** `GET /path` of everything that was asked for, in order. */
  requests: string[];
  close(): Promise<void>;
}

/** @param pages path → markup of the body, or a whole answer. */
export async function startSite(pages: Readonly<Record<string, string | { type: string; body: string | Uint8Array }>>): Promise<Site> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    requests.push(`${request.method} ${url}`);
    const page = pages[url.split("?")[0]!];
    if (page === undefined) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not here");
    } else if (typeof page === "string") {
      response
        .writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" })
        .end(
          page.startsWith("<!doctype")
            ? page
            : `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><body>${page}</body></html>`,
        );
    } else {
      response.writeHead(200, { "Content-Type": page.type, "Cache-Control": "no-store" }).end(page.body);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
