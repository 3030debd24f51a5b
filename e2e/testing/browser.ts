/** Chromium, plain and with the built extension. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page, type Worker } from "playwright";

import { findChromium, TEST_ARGS } from "../../scripts/chromium.mjs";
import { root } from "./gateway-process.ts";

function executablePath(): string {
  const path = findChromium();
  if (!path) throw new Error("No Chromium on this machine. Set CHROMIUM_PATH.");
  return path;
}

/**
 * @param options `scrollbars` as a person has them; without, Playwright hides them all. `expectsReports`: the file provokes reports on its
 * content policy, and counts them itself
 */
export async function launchBrowser({ scrollbars = false, expectsReports = false } = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: executablePath(),
    headless: true,
    args: TEST_ARGS,
    ...(scrollbars ? { ignoreDefaultArgs: ["--hide-scrollbars"] } : {}),
  });
  const reports: string[] = [];
  // `newPage` makes its context through here too.
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    if (!expectsReports) watchPolicy(context, reports);
    return context;
  };
  const close = browser.close.bind(browser);
  browser.close = async (options) => {
    await close(options);
    insistOnPolicy(reports);
  };
  return browser;
}

/**
 * The whole suite runs under the strictest policy there is, Trusted Types included: the gateway's pages and the extension's send
 * it. What Chromium has to report about any page fails the file when its browser is closed.
 */
function watchPolicy(context: BrowserContext, reports: string[]): void {
  context.on("console", (message) => {
    if (message.type() === "error" && isPolicyReport(message.text())) reports.push(`${message.page()?.url()}: ${message.text()}`);
  });
  context.on("weberror", (error) => {
    if (isPolicyReport(String(error.error()))) reports.push(`${error.page()?.url()}: ${error.error()}`);
  });
}

const isPolicyReport = (text: string): boolean => /content security policy|requires 'Trusted/i.test(text);

function insistOnPolicy(reports: readonly string[]): void {
  if (reports.length > 0) throw new Error(`Against the Content Security Policy:\n${reports.join("\n")}`);
}

/** Everything a page complains about: uncaught errors, console errors, CSP reports. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  return errors;
}

export interface ExtensionBrowser {
  context: BrowserContext;
  worker: Worker;
  id: string;
  /** Clicks the toolbar button on a page's tab: opens the panel, or closes it. */
  clickAction(page: Page): Promise<void>;
  /** The open side panel as a page. Connect again after each reopening: pages that were got before are closed then, for the tests. */
  panel(): Promise<Page>;
  /** All open side panels, when there are as many as that: one per window. Takes the place of pages that were got before. */
  panels(count: number): Promise<Page[]>;
  panelIsOpen(): Promise<boolean>;
  /**
   * Waits until the worker has heard of every panel that opened or closed, a moment later: a click before that would do the opposite.
   *
   * @param count how many there are to be. A panel that is just coming up can be seen, be gone, and be seen again
   */
  knowsWhatIsOpen(count?: number): Promise<void>;
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** @defaultValue `dist/extension` */
  extension?: string;
  /** A profile to go on with; it is kept. @defaultValue a new one, deleted at the end */
  profile?: string;
  /** An X display, for what is not part of any page: shortcuts, menus, permission dialogs. @defaultValue headless */
  display?: string;
  args?: readonly string[];
}

const WORKER_ANSWERS_MS = 1_000;

/** Launches Chromium with the extension loaded. The side panel is no page Playwright knows: it is reached over its own CDP port. */
export async function launchExtension(options: LaunchOptions = {}): Promise<ExtensionBrowser> {
  const { extension = join(root, "dist", "extension"), display } = options;
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), "chanl-extension-")));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executablePath(),
    headless: display === undefined,
    ...(display === undefined ? {} : { env: { ...process.env, DISPLAY: display }, viewport: null }),
    args: [
      ...(options.args ?? []),
      ...TEST_ARGS,
      `--disable-extensions-except=${extension}`,
      `--load-extension=${extension}`,
      "--remote-debugging-port=0",
      "--window-size=1200,800",
    ],
  });
  const reports: string[] = [];
  watchPolicy(context, reports);
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const id = worker.url().split("/")[2]!;
  // A trigger before the worker has registered its listener is lost.
  await worker.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const check = (): void => (chrome.action.onClicked.hasListeners() ? resolve() : void setTimeout(check, 20));
        check();
      }),
  );
  const browser = context.browser();
  if (!browser) throw new Error("The context has no browser.");
  const cdp = await browser.newBrowserCDPSession();
  const targets = async (): Promise<{ type: string; url: string; targetId: string }[]> => {
    const { targetInfos } = await cdp.send("Target.getTargets", { filter: [{}] });
    return targetInfos;
  };
  const isPanel = ({ url }: { url: string }): boolean => url.startsWith(`chrome-extension://${id}/side-panel/`);
  const openPanels = async (): Promise<number> => (await targets()).filter((target) => target.type === "page" && isPanel(target)).length;
  const connections: Browser[] = [];
  const launched: ExtensionBrowser = {
    context,
    worker,
    id,
    async clickAction(page) {
      const tab = (await targets()).find(({ type, url }) => type === "tab" && url === page.url());
      if (!tab) throw new Error(`No tab shows ${page.url()}`);
      // Not in Playwright's protocol types.
      await (cdp.send as (method: string, params: object) => Promise<unknown>)("Extensions.triggerAction", { id, targetId: tab.targetId });
    },
    async panelIsOpen() {
      return (await openPanels()) > 0;
    },
    async knowsWhatIsOpen(count) {
      const isKnown = async (): Promise<boolean> => {
        const keys = await Promise.race([
          context
            .serviceWorkers()
            .at(-1)
            ?.evaluate(async () => Object.keys(await chrome.storage.session.get())),
          // One that was stopped never answers, and has had time enough to hear of everything.
          new Promise<undefined>((resolve) => setTimeout(resolve, WORKER_ANSWERS_MS)),
        ]);
        const open = await openPanels();
        if (count !== undefined && open !== count) return false;
        return keys === undefined || keys.filter((key) => key.startsWith("open:")).length === open;
      };
      await until(isKnown, `the worker to know which panels are open${count === undefined ? "" : `: ${count}`}`);
    },
    async panel() {
      const [page] = await launched.panels(1);
      if (!page) throw new Error("The side panel is open, but no page of it was found.");
      return page;
    },
    async panels(count) {
      await until(async () => (await openPanels()) >= count, `${count} side panels to open`);
      // Chromium 156 crashes now and then where a page reloads that several connections are attached to.
      for (const connection of connections.splice(0)) await connection.close();
      const port = (await readFile(join(profile, "DevToolsActivePort"), "utf8")).split("\n")[0]!;
      const connection = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
      connections.push(connection);
      for (const each of connection.contexts()) watchPolicy(each, reports);
      return connection
        .contexts()
        .flatMap((each) => each.pages())
        .filter((each) => isPanel({ url: each.url() }));
    },
    async close() {
      for (const connection of connections) await connection.close().catch(() => undefined);
      await context.close();
      if (options.profile === undefined) await rm(profile, { recursive: true, force: true });
      insistOnPolicy(reports);
    },
  };
  return launched;
}

export async function until(condition: () => Promise<boolean> | boolean, what: string, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
