/**
 * A Chromium whose tabs can be hidden. Playwright emulates focus in every page, and such a page is never hidden; here the
 * DevTools protocol is spoken without it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";

import { findChromium, TEST_ARGS } from "../../scripts/chromium.mjs";
import { until } from "./browser.ts";

export interface Tab {
  /** The value of an expression; a promise is waited for. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Makes it the tab one sees; the one before is hidden. */
  activate(): Promise<void>;
}

/** An answer of the protocol; events have no id. */
interface Reply {
  id?: number;
  result?: unknown;
  error?: { message: string };
}

export interface TabbedBrowser {
  /** A new tab in front, with the page loaded. */
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export async function launchTabs(): Promise<TabbedBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "chanl-tabs-"));
  const executable = findChromium();
  if (!executable) throw new Error("No Chromium on this machine. Set CHROMIUM_PATH.");
  const child = spawn(
    executable,
    [...TEST_ARGS, "--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: "ignore" },
  );
  const portFile = join(profile, "DevToolsActivePort");
  await until(() => existsSync(portFile), "Chromium to start", 30_000);
  const [port, path] = (await readFile(portFile, "utf8")).split("\n");
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(socket, "open");

  const waiting = new Map<number, (reply: Reply) => void>();
  socket.on("message", (data: Buffer) => {
    const reply = JSON.parse(data.toString()) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
  });
  let id = 0;
  const send = <Result>(method: string, params: object, sessionId?: string): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.set(++id, ({ result, error }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result as Result)));
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });

  return {
    async open(url) {
      const { targetId } = await send<{ targetId: string }>("Target.createTarget", { url });
      const { sessionId } = await send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
      const tab: Tab = {
        async evaluate<Value>(expression: string) {
          const { result, exceptionDetails } = await send<{ result: { value: Value }; exceptionDetails?: { text: string } }>(
            "Runtime.evaluate",
            { expression, awaitPromise: true, returnByValue: true },
            sessionId,
          );
          if (exceptionDetails) throw new Error(`${exceptionDetails.text} in ${expression}`);
          return result.value;
        },
        activate: () => send<void>("Target.activateTarget", { targetId }),
      };
      // Between the empty page and this one there is a moment without any place to evaluate in.
      const isThere = `location.href.startsWith(${JSON.stringify(url)}) && document.readyState === "complete"`;
      await until(() => tab.evaluate<boolean>(isThere).catch(() => false), `${url} to load`);
      return tab;
    },
    async close() {
      socket.close();
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
