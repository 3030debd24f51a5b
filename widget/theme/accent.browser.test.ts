/** The accent as it is painted: what the browser computes for the real controls, not what we mean to paint. */
import { afterEach, expect, it } from "vitest";

import { mount, settle, unmountAll } from "../testing/mount.ts";
import { contrast, type Rgb } from "./accent.ts";

afterEach(unmountAll);

const ACCENTS =
  "#000000 #ffffff #808080 #ff0000 #00ff00 #0000ff #ffff00 #00ffff #ff00ff #777777 #2b59d9 #8faeff #e01e5a #ff4500 #1db954 #f7df1e #6e40c9 #00a1e0 #ffb6c1 #fffacd #0b0b2b #7a3cff #b5651d #3f3f3f".split(
    " ",
  );

const rgb = (colour: string): Rgb =>
  colour
    .match(/[\d.]+/g)!
    .slice(0, 3)
    .map(Number) as unknown as Rgb;

it("24 accents in both themes: links, buttons, their labels and the focus ring are seen on what is below them", async () => {
  expect(ACCENTS).toHaveLength(24);
  const { chat, root, input, transport } = await mount({ starters: ["One?"] });
  void chat.send("Hi");
  transport.last.start().text("A [link](https://example.com/a) here.").done();
  await settle(chat);
  chat.setDraft("again");
  await settle(chat);
  const link = root.querySelector(".md a")!;
  const send = root.querySelector(".send")!;
  const composer = root.querySelector('[part~="composer"]')!;
  const panel = root.querySelector(".panel")!;
  // Colours fade from one accent to the next, and what counts is where they arrive.
  const still = new CSSStyleSheet();
  still.replaceSync("* { transition: none !important }");
  root.adoptedStyleSheets.push(still);
  input.focus();
  const failures: string[] = [];
  for (const accent of ACCENTS)
    for (const theme of ["light", "dark"] as const) {
      Object.assign(chat, { accent, theme });
      await chat.updateComplete;
      const ground = rgb(getComputedStyle(panel).backgroundColor);
      const check = (what: string, one: Rgb, other: Rgb, least: number): void => {
        const ratio = contrast(one, other);
        if (!(ratio >= least)) failures.push(`${accent} ${theme}: ${what} ${ratio.toFixed(2)}`);
      };
      const { color, backgroundColor } = getComputedStyle(send);
      check("the label of Send", rgb(color), rgb(backgroundColor), 4.5);
      check("Send", rgb(backgroundColor), ground, 3);
      check("a link", rgb(getComputedStyle(link).color), ground, 4.5);
      check("the focus ring", rgb(getComputedStyle(composer).borderTopColor), ground, 3);
    }
  expect(failures).toEqual([]);
});
