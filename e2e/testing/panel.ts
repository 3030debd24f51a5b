/** The side panel in tests: open, ask, read what is there. */
import type { Page } from "playwright";

import { until, type ExtensionBrowser } from "./browser.ts";

export async function openPanel(extension: ExtensionBrowser, page: Page): Promise<Page> {
  await page.bringToFront();
  await extension.knowsWhatIsOpen();
  await extension.clickAction(page);
  const panel = await extension.panel();
  await panel.locator('[part~="input"]').waitFor();
  return panel;
}

export async function closePanel(extension: ExtensionBrowser, page: Page): Promise<void> {
  await extension.knowsWhatIsOpen();
  await extension.clickAction(page);
  await until(async () => !(await extension.panelIsOpen()), "the panel to close");
}

export async function ask(panel: Page, question: string): Promise<void> {
  const input = panel.locator('[part~="input"]');
  await input.fill(question);
  await input.press("Enter");
}

/** The text of the last answer. */
export async function answerText(panel: Page): Promise<string> {
  const content = panel.locator('[part~="message-assistant"]').last().locator('[part~="content"]');
  return (await content.count()) === 0 ? "" : (await content.last().innerText()).trim();
}

/** The card that asks before a tool acts. Its Allow comes alive after half a second. */
export async function decide(panel: Page, answer: "Allow" | "Don’t allow"): Promise<void> {
  const card = panel.locator(".ask");
  await card.waitFor();
  if (answer === "Allow") await panel.waitForTimeout(600);
  await card.getByRole("button", { name: answer, exact: true }).click();
}

/** What the extension's database holds, read in one of its own pages. */
export function stored<Row>(panel: Page, store: string): Promise<Row[]> {
  return panel.evaluate(
    (name) =>
      new Promise<unknown[]>((resolve, reject) => {
        const opening = indexedDB.open("chanl-chat");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const database = opening.result;
          const rows = database.transaction(name).objectStore(name).getAll();
          rows.addEventListener("success", () => {
            database.close();
            resolve(rows.result);
          });
        });
      }),
    store,
  ) as Promise<Row[]>;
}
