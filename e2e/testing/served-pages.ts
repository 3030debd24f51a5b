/** A gateway that serves the built pages, and a Chromium to look at them with, for all tests of a file. */
import type { Browser } from "playwright";
import { afterAll, beforeAll } from "vitest";

import { launchBrowser } from "./browser.ts";
import { startGateway, type GatewayProcess } from "./gateway-process.ts";

/** To be called at the top of a file; what it gives is there once the first test runs. */
export function servedPages(): { readonly gateway: GatewayProcess; readonly browser: Browser } {
  let gateway: GatewayProcess | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    gateway = await startGateway();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.stop();
  });
  const there = <Part>(part: Part | undefined): Part => {
    if (!part) throw new Error("The pages are served once the first test runs.");
    return part;
  };
  return {
    get gateway() {
      return there(gateway);
    },
    get browser() {
      return there(browser);
    },
  };
}
