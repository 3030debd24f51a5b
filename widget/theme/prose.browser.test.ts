import { expect, test } from "vitest";

import { prose } from "./prose.styles.ts";
import { tokens } from "./tokens.styles.ts";

/** Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

test("every colour of code has a contrast of 4.5 to the ground of code, in both themes", () => {
  const [, lightGround = "", darkGround = ""] = /--_code-bg:[^;]*light-dark\((#\w{6}), (#\w{6})\)/.exec(tokens.cssText) ?? [];
  const colours = [...prose.cssText.matchAll(/\.hl-[\w-]+[^{]*\{\s*color: light-dark\((#\w{6}), (#\w{6})\)/g)];
  expect(colours).toHaveLength(8);
  for (const [rule, light = "", dark = ""] of colours) {
    expect(contrast(light, lightGround), rule).toBeGreaterThanOrEqual(4.5);
    expect(contrast(dark, darkGround), rule).toBeGreaterThanOrEqual(4.5);
  }
});
