import { afterEach, expect, test, vi } from "vitest";

import { randomId } from "./random-id.ts";

afterEach(() => vi.unstubAllGlobals());

test("is a UUID, with and without the platform's own, and never the same", () => {
  const ids = Array.from({ length: 500 }, randomId);
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  ids.push(...Array.from({ length: 500 }, randomId));
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(new Set(ids).size).toBe(1_000);
});
