import { expect, it, test } from "vitest";

import { accentColours, accentProperties, contrast, parseHex, type Rgb } from "./accent.ts";

// Pure and pale, dark and grey, and what companies paint themselves with.
const ACCENTS =
  "#000000 #ffffff #808080 #ff0000 #00ff00 #0000ff #ffff00 #00ffff #ff00ff #777777 #2b59d9 #8faeff #e01e5a #ff4500 #1db954 #f7df1e #6e40c9 #00a1e0 #ffb6c1 #fffacd #0b0b2b #7a3cff #b5651d #3f3f3f".split(
    " ",
  );

const GROUNDS = { light: ["#ffffff", "#f6f7f9", "#eceef2"], dark: ["#121418", "#1a1d23", "#252932"] };
const rgb = (hex: string): Rgb => parseHex(hex)!;

test("contrast is the one of WCAG", () => {
  expect(contrast(rgb("#000"), rgb("#fff"))).toBeCloseTo(21, 5);
  expect(contrast(rgb("#777777"), rgb("#ffffff"))).toBeCloseTo(4.478, 2);
  expect(contrast(rgb("#2b59d9"), rgb("#ffffff"))).toBeCloseTo(5.94, 1);
});

test("24 accents in both themes: readable on every ground, and what stands on them too", () => {
  expect(ACCENTS).toHaveLength(24);
  const failures: string[] = [];
  for (const accent of ACCENTS) {
    for (const theme of ["light", "dark"] as const) {
      const { accent: shown, onAccent, text } = accentColours(rgb(accent), theme);
      const check = (name: string, ratio: number, least: number): void => {
        if (ratio < least) failures.push(`${accent} ${theme}: ${name} ${ratio.toFixed(2)}`);
      };
      check("text on the accent", contrast(onAccent, shown), 4.5);
      for (const ground of GROUNDS[theme]) {
        check(`accent on ${ground}`, contrast(shown, rgb(ground)), 3);
        check(`accent as text on ${ground}`, contrast(text, rgb(ground)), 4.5);
      }
    }
  }
  expect(failures).toEqual([]);
});

it("leaves an accent that is readable as it is, and keeps the hue of one that is not", () => {
  expect(accentColours(rgb("#2b59d9"), "light").accent).toEqual(rgb("#2b59d9"));
  const [red, green, blue] = accentColours(rgb("#ffff00"), "light").text;
  expect(Math.min(red, green)).toBeGreaterThan(blue + 60);
});

it.each(["", "red", "#12", "#1234567", "url(x)", "#ggg"])("takes no %j for a colour", (value) => {
  expect(accentProperties(value)).toEqual([]);
});
