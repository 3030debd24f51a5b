/** What a test of the panel stands on: a provider that plays answers, the built gateway, and a browser whose extension asks it. */
import type { Page } from "playwright";

import { startReplayProvider, type ReplayProvider } from "../../server/testing/replay-provider.ts";
import { launchExtension, type ExtensionBrowser } from "./browser.ts";
import { startGateway, type GatewayProcess } from "./gateway-process.ts";

export interface PanelScene {
  provider: ReplayProvider;
  gateway: GatewayProcess;
  extension: ExtensionBrowser;
  /** The browser's first tab, empty. */
  page: Page;
  close(): Promise<void>;
}

/** @param settings of the extension, besides the server's address */
export async function startPanelScene(settings: Readonly<Record<string, unknown>> = {}): Promise<PanelScene> {
  const provider = await startReplayProvider();
  const [gateway, extension] = await Promise.all([
    startGateway({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: "test", MODEL: "openai/replay" }),
    launchExtension(),
  ]);
  await extension.worker.evaluate((all) => chrome.storage.sync.set(all), { ...settings, server: gateway.origin });
  return {
    provider,
    gateway,
    extension,
    page: extension.context.pages()[0] ?? (await extension.context.newPage()),
    async close() {
      await Promise.all([extension.close(), gateway.stop()]);
      await provider.close();
    },
  };
}
