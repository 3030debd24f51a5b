/** A web site on this machine under two names, which are two origins: `127.0.0.1` and `localhost`. Notes every request. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { root } from "./gateway-process.ts";

export interface SiteAnswer {
  type: string;
  body: string | Uint8Array;
  /** @defaultValue 200 */
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

export interface Site {
  /** `http://127.0.0.1:port` */
  origin: string;
  /** The same pages under another origin. */
  otherOrigin: string;
  /** `GET /path` of everything that was asked for, in order. */
  requests: string[];
  close(): Promise<void>;
}

/**
 * @param pages path → markup of the body, or a whole answer. Looked at anew for each request.
 * @param built address → folder in `dist/` whose scripts are served below it, such as `/npm/` → `npm`
 */
export async function startSite(
  pages: Readonly<Record<string, string | SiteAnswer>>,
  built: Readonly<Record<string, string>> = {},
): Promise<Site> {
  const requests: string[] = [];
  const find = async (path: string): Promise<SiteAnswer> => {
    const page = pages[path];
    if (typeof page === "object") return page;
    if (page !== undefined) {
      const body = page.startsWith("<!doctype")
        ? page
        : `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><body>${page}</body></html>`;
      return { type: "text/html; charset=utf-8", body };
    }
    const prefix = Object.keys(built).find((start) => path.startsWith(start));
    const file = prefix === undefined ? null : join(root, "dist", built[prefix]!, path.slice(prefix.length));
    const script = file?.endsWith(".js") ? await readFile(file).catch(() => null) : null;
    return script ? { type: "text/javascript", body: script } : { type: "text/plain", body: "not here", status: 404 };
  };
  const server = createServer(async (request, response) => {
    const url = request.url ?? "/";
    requests.push(`${request.method} ${url}`);
    const { status = 200, type, headers, body } = await find(url.split("?")[0]!);
    response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", ...headers }).end(body);
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
