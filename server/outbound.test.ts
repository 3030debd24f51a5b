/** The way out: no request that somebody else can bend reaches this machine, its network or a metadata service. */
import type { lookup as lookupName } from "node:dns";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { McpServers } from "./agent/mcp-tools.ts";
import { createOutboundFetch, isAllowedAddress, publicFetch, type OutboundFetch } from "./outbound.ts";
import { packageRoot } from "./package-root.ts";

async function local(): Promise<{ port: number; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.url === "/moved") response.writeHead(302, { Location: "/secret" });
    response.end("secret");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

/** A name server of an attacker: each answer is the next one, the last one stays. */
function answering(...answers: string[][]): typeof lookupName {
  let at = 0;
  return ((_name: string, _options: object, callback: (error: null, addresses: object[]) => void) => {
    const answer = answers[Math.min(at++, answers.length - 1)]!;
    callback(
      null,
      answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  }) as unknown as typeof lookupName;
}

const PRIVATE =
  "127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 100.100.100.200 192.0.0.192 224.0.0.1 255.255.255.255 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:7f00:1::".split(
    " ",
  );
const METADATA = ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "fe80::1"];

test.each(PRIVATE)("%s is not public", (address) => {
  expect(isAllowedAddress(address, "public")).toBe(false);
});

test("public addresses are; what the configuration names may also be private, but never a metadata service", () => {
  for (const address of ["1.1.1.1", "93.184.216.34", "2606:4700::1111"]) expect(isAllowedAddress(address, "public")).toBe(true);
  for (const address of ["127.0.0.1", "10.0.0.1", "::1", "fc00::1"]) expect(isAllowedAddress(address, "configured")).toBe(true);
  for (const address of METADATA) expect(isAllowedAddress(address, "configured"), address).toBe(false);
});

test.each(["http://127.0.0.1", "http://2130706433", "http://0x7f.1", "http://[::1]", "http://[::ffff:7f00:1]", "http://localhost"])(
  "%s is refused, however it is written",
  async (address) => {
    const { port, requests } = await local();
    await expect(publicFetch(`${address}:${port}/`)).rejects.toThrow();
    expect(requests).toEqual([]);
  },
);

test.each(["file:///etc/passwd", "data:text/plain,x", "ftp://example.com/"])("%s is refused", async (url) => {
  await expect(publicFetch(url)).rejects.toThrow("is not allowed");
});

/** Whether a name of an attacker leads `fetch` to this machine. */
async function reaches(make: (lookup: typeof lookupName) => OutboundFetch, ...answers: string[][]): Promise<boolean> {
  const { port, requests } = await local();
  await make(answering(...answers))(`http://evil.example.com:${port}/`).catch(() => undefined);
  return requests.length > 0;
}

test("a name that leads here is refused, also among others, and also when it only does so the second time", async () => {
  const guarded = (lookup: typeof lookupName): OutboundFetch => createOutboundFetch("public", lookup);
  expect(await reaches(guarded, ["127.0.0.1"])).toBe(false);
  expect(await reaches(guarded, ["127.0.0.1", "93.184.216.34"])).toBe(false);
  // The mutant: the name is looked up and judged first, and looked up again by the connection.
  const judgedFirst = (lookup: typeof lookupName): OutboundFetch => {
    const unguarded = createOutboundFetch("configured", lookup);
    return async (input) => {
      const addresses = await new Promise<{ address: string }[]>((resolve) =>
        lookup("evil.example.com", { all: true }, (_error, found) => resolve(found)),
      );
      if (!addresses.every(({ address }) => isAllowedAddress(address, "public"))) throw new Error("refused");
      return unguarded(input);
    };
  };
  expect(await reaches(judgedFirst, ["127.0.0.1"])).toBe(false);
  expect(await reaches(judgedFirst, ["93.184.216.34"], ["127.0.0.1"])).toBe(true);
  expect(await reaches(guarded, ["127.0.0.1"], ["93.184.216.34"])).toBe(false);
});

test("a redirect is an error, and nobody goes where it leads", async () => {
  const { port, requests } = await local();
  await expect(createOutboundFetch("configured")(`http://127.0.0.1:${port}/moved`)).rejects.toThrow();
  expect(requests).toEqual(["GET /moved"]);
});

test("an agent's own MCP server may not lie in this network", async () => {
  const { port, requests } = await local();
  const servers = new McpServers({ servers: {}, toolTimeoutMs: 1000 });
  const { missing } = await servers.toolsOf([{ name: "evil", url: `http://127.0.0.1:${port}/mcp` }]);
  expect(missing).toEqual([{ server: "evil", why: "The MCP server evil cannot be reached." }]);
  expect(requests).toEqual([]);
  await servers.close();
});

/** Ways out in a source file that are not `outbound.ts`. */
function waysOut(source: string): string[] {
  return (
    source.match(/(?<![.\w])fetch\(|globalThis\.fetch|from "undici"|https?\.request\(|https?\.get\(|from "axios"|from "node:https"/g) ?? []
  );
}

test("nothing in server/ goes out by another way", () => {
  const folder = join(packageRoot(), "server");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.startsWith("testing/") && file !== "outbound.ts",
  );
  expect(files.length).toBeGreaterThan(40);
  for (const file of files) expect(waysOut(readFileSync(join(folder, file), "utf8")), file).toEqual([]);
  for (const mutant of ["await fetch(url)", "globalThis.fetch(url)", 'import { request } from "undici";', "http.request(url)"])
    expect(waysOut(mutant)).not.toEqual([]);
});
