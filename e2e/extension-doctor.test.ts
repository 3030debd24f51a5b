/** Seven reasons for no answer, each told apart by the doctor in the real options page, and each with its fix. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";

import { freePort } from "../server/testing/free-port.ts";
import { openAiText, startReplayProvider, type ReplayProvider } from "../server/testing/replay-provider.ts";
import { launchExtension, type ExtensionBrowser } from "./testing/browser.ts";
import { startGateway, type GatewayProcess } from "./testing/gateway-process.ts";
import { extensionVariant } from "./testing/variant.ts";

let provider: ReplayProvider;
let gateway: GatewayProcess;
let extension: ExtensionBrowser;
let options: Page;
const servers: Server[] = [];

beforeAll(async () => {
  provider = await startReplayProvider();
  provider.reply({ slices: openAiText(Array.from({ length: 30 }, (_, at) => `word${at} `)), delayMs: 40 });
  gateway = await startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" });
  extension = await launchExtension();
  options = await open(extension);
});

afterAll(async () => {
  await extension?.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await gateway?.stop();
  await provider?.close();
});

async function open(browser: ExtensionBrowser): Promise<Page> {
  const page = await browser.context.newPage();
  await page.goto(`chrome-extension://${browser.id}/options/index.html`);
  return page;
}

async function serve(listener: RequestListener, server: Server = createServer(listener)): Promise<string> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the doctor says of an address: the finding, the sentence and the fix. */
async function diagnosis(page: Page, server: string): Promise<{ finding: string | null; text: string; fix: string }> {
  await page.getByLabel("Server address").fill(server);
  await page.getByRole("button", { name: "Test connection" }).click();
  return told(page);
}

async function told(page: Page): Promise<{ finding: string | null; text: string; fix: string }> {
  const found = page.locator("[data-finding]");
  await found.waitFor({ timeout: 20_000 });
  const result = {
    finding: await found.getAttribute("data-finding"),
    text: await found.innerText(),
    fix: (await page.locator(".fix code").count()) > 0 ? await page.locator(".fix code").innerText() : "",
  };
  await page.getByRole("button", { name: "Close" }).click();
  return result;
}

const seen = new Set<string>();
const isNew = (text: string, server: string): boolean => {
  const sentence = text.replaceAll(server, "…");
  if (seen.has(sentence)) return false;
  return Boolean(seen.add(sentence));
};

test("nobody listens there", async () => {
  const server = `http://127.0.0.1:${await freePort()}`;
  const { finding, text, fix } = await diagnosis(options, server);
  expect([finding, fix]).toEqual(["refused", `curl -i ${server}/healthz`]);
  expect(isNew(text, server)).toBe(true);
});

test("CORS: it answers, and this extension may not read it; access to this one server is offered", async () => {
  const server = await serve((_, response) => response.end("ok"));
  await options.getByLabel("Server address").fill(server);
  await options.getByRole("button", { name: "Test connection" }).click();
  await options.locator('[data-finding="cors"]').waitFor();
  expect(await options.getByRole("button", { name: `Allow access to ${new URL(server).host}` }).isVisible()).toBe(true);
  const { text, fix } = await told(options);
  expect(fix).toBe(`Access-Control-Allow-Origin: chrome-extension://${extension.id}`);
  expect(isNew(text, server)).toBe(true);
});

test("403: a gateway that does not know this extension; the setting is given", async () => {
  const strict = await startGateway({ NODE_ENV: "production" });
  try {
    const { finding, text, fix } = await diagnosis(options, strict.origin);
    expect([finding, fix]).toEqual(["origin", `ALLOWED_EXTENSION_IDS=${extension.id}`]);
    expect(isNew(text, strict.origin)).toBe(true);
    // The fix mends it.
    const mended = await startGateway({ NODE_ENV: "production", ALLOWED_EXTENSION_IDS: extension.id });
    expect((await diagnosis(options, mended.origin)).finding).toBe("ok");
    await mended.stop();
  } finally {
    await strict.stop();
  }
});

test("401: a token is wanted", async () => {
  const server = await serve((_, response) => {
    response
      .writeHead(401, { "Access-Control-Allow-Origin": "*", "Content-Type": "application/json" })
      .end('{"error":{"code":"unauthorized","message":"x"}}');
  });
  const { finding, text } = await diagnosis(options, server);
  expect(finding).toBe("token");
  expect(isNew(text, server)).toBe(true);
});

test("TLS: https where only http is spoken", async () => {
  const { host } = new URL(gateway.origin);
  const { finding, text, fix } = await diagnosis(options, `https://${host}`);
  expect([finding, fix]).toEqual(["tls", `http://${host}`]);
  expect(isNew(text, `https://${host}`)).toBe(true);
});

test("a wrong path: something answers that is no gateway", async () => {
  const server = await serve((_, response) => response.writeHead(404, { "Access-Control-Allow-Origin": "*" }).end("<h1>Not found</h1>"));
  const { finding, text } = await diagnosis(options, `${server}/somewhere`);
  expect(finding).toBe("path");
  expect(isNew(text, `${server}/somewhere`)).toBe(true);
});

test("a proxy that holds answers back; without it all is in order", async () => {
  const server = await serve((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
      const answer = await fetch(gateway.origin + request.url, {
        method: request.method ?? "GET",
        headers: headers as Record<string, string>,
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(body);
    })();
  });
  await options.getByLabel("Agent").fill("docs");
  const stream = async (address: string): ReturnType<typeof told> => {
    await options.getByLabel("Server address").fill(address);
    await options.getByRole("button", { name: "Test connection" }).click();
    await options.locator('[data-finding="ok"]').waitFor();
    await options.getByRole("button", { name: "Test a streamed answer" }).click();
    await options.getByText("Asking the server").waitFor({ state: "detached" });
    return told(options);
  };
  const { finding, text, fix } = await stream(server);
  expect([finding, fix]).toEqual(["buffering", "proxy_buffering off;"]);
  expect(isNew(text, server)).toBe(true);
  expect((await stream(gateway.origin)).finding).toBe("ok");
});

const openssl = spawnSync("openssl", ["version"]).status === 0;

test.skipIf(!openssl)(
  "TLS: a certificate this browser does not trust, where Chrome lets the extension see its warning (skipped without openssl)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "chanl-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "1",
      "-subj",
      "/CN=nobody",
    ]);
    const secure = createSecureServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) => response.end("ok"));
    const origin = (await serve(() => undefined, secure)).replace("http:", "https:");
    const variant = await extensionVariant((manifest) => ({ ...manifest, host_permissions: ["https://127.0.0.1/*"] }));
    const browser = await launchExtension({ extension: variant });
    try {
      const page = await open(browser);
      expect(await diagnosis(page, origin)).toMatchObject({ finding: "tls", fix: `${origin}/healthz` });
      const closed = `https://127.0.0.1:${await freePort()}`;
      expect((await diagnosis(page, closed)).finding).toBe("refused");
    } finally {
      await browser.close();
      await Promise.all([rm(folder, { recursive: true }), rm(variant, { recursive: true })]);
    }
  },
);
