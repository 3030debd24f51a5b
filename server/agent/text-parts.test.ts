import { expect, test } from "vitest";

import { TextParts } from "./text-parts.ts";

test("the text is all its pieces in order, however many they are, and whenever it is read", () => {
  for (let count = 0; count < 70; count++) {
    const text = new TextParts();
    let expected = "";
    for (let piece = 0; piece < count; piece++) {
      text.push(`${piece} ö `);
      expected += `${piece} ö `;
      if (piece % 7 === 3) expect(text.toString()).toBe(expected);
    }
    expect(text.toString()).toBe(expected);
    expect(text.toString()).toBe(expected);
  }
});
