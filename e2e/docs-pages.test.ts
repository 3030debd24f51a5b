/** What a citation leads to: the docs' own Markdown, drawn for people and plain for programs, at one address. */
import { expect, test } from "vitest";

import { ChanlClient, type SourceChunk } from "../shared/index.ts";
import { watchErrors } from "./testing/browser.ts";
import { servedPages } from "./testing/served-pages.ts";

const served = servedPages();

async function sources(question: string): Promise<SourceChunk[]> {
  const found: SourceChunk[] = [];
  const client = new ChanlClient({ baseUrl: served.gateway.origin });
  for await (const chunk of client.chat.stream("docs", [{ role: "user", content: question }]))
    if (chunk.type === "source") found.push(chunk);
  return found;
}

test.each(["How do I embed the widget?", "How does an answer survive a lost connection?", "Which models can I use?"])(
  "every source of “%s” opens at the passage it names",
  async (question) => {
    const page = await served.browser.newPage();
    const errors = watchErrors(page);
    const cited = await sources(question);
    expect(cited.length).toBeGreaterThan(1);
    for (const { url } of cited) {
      await page.goto(new URL(url!, served.gateway.origin).href);
      await page.waitForFunction(() => document.querySelector("main h1") !== null);
      const anchor = decodeURIComponent(new URL(url!, served.gateway.origin).hash.slice(1));
      if (anchor !== "") expect(await page.evaluate(() => document.activeElement?.id), url).toBe(anchor);
    }
    expect(errors).toEqual([]);
    await page.close();
  },
);

test("a program gets the Markdown", async () => {
  const response = await fetch(`${served.gateway.origin}/docs/embed.md`);
  expect(response.headers.get("Content-Type")).toBe("text/markdown; charset=utf-8");
  expect(response.headers.get("Vary")).toContain("Accept");
  expect(await response.text()).toMatch(/^# Embed the widget/);
});
