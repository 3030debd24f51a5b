import { describe, expect, test } from "vitest";

import { labelMisleads, safeImage, safeLink } from "./url-policy.ts";

const PAGE = "https://shop.example/help/page";

describe("links", () => {
  test.each([
    ["https://a.example/x?y#z", "https://a.example/x?y#z", true],
    ["http://a.example", "http://a.example/", true],
    ["HTTPS://A.example", "https://a.example/", true],
    ["mailto:a@b.example", "mailto:a@b.example", false],
    ["tel:+1-555", "tel:+1-555", false],
    ["#part", "#part", false],
    ["other", "https://shop.example/help/other", false],
    ["/root?q=1", "https://shop.example/root?q=1", false],
    ["//elsewhere.example/x", "https://elsewhere.example/x", true],
    ["\\\\elsewhere.example", "https://elsewhere.example/", true],
    ["", PAGE, false],
  ])("%s", (address, href, foreign) => {
    expect(safeLink(address, PAGE)).toMatchObject({ href, foreign });
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " \u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\u200bscript:alert(1)",
    "java\u0000script:alert(1)",
    "vbscript:x",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://shop.example/1",
    "chrome-extension://x/y",
    "ftp://a.example",
    "https://",
    "intent:x",
  ])("no link: %j", (address) => {
    expect(safeLink(address, PAGE)).toBeNull();
  });

  test("a relative address stays relative to a page of another scheme, and cannot name that scheme", () => {
    const panel = "chrome-extension://abc/panel.html";
    expect(safeLink("options.html", panel)?.href).toBe("chrome-extension://abc/options.html");
    expect(safeLink("chrome-extension://abc/options.html", panel)).toBeNull();
    expect(safeLink("https://a.example/", panel)?.foreign).toBe(true);
  });

  test("without a usable base only complete addresses and fragments are links", () => {
    expect(safeLink("other", "about:srcdoc")).toBeNull();
    expect(safeLink("#part", "about:srcdoc")?.href).toBe("#part");
    expect(safeLink("https://a.example", "about:srcdoc")?.href).toBe("https://a.example/");
  });
});

test("images come from the web or are raster data", () => {
  expect(safeImage("https://a.example/x.png", PAGE)?.host).toBe("a.example");
  expect(safeImage("x.png", PAGE)?.host).toBe("shop.example");
  expect(safeImage("data:image/png;base64,AAAA", PAGE)?.href).toBe("data:image/png;base64,AAAA");
  for (const address of ["data:image/svg+xml,<svg>", "data:image/svg+xml;base64,AAAA", "mailto:a@b.c", "javascript:1", "#x"]) {
    expect(safeImage(address, PAGE), address).toBeNull();
  }
});

test.each([
  ["https://bank.example", "evil.example", true],
  ["bank.example/login", "evil.example", true],
  ["bаnk.example", "bank.example", true],
  ["www.bank.example", "bank.example", false],
  ["https://bank.example/a", "www.bank.example:443", false],
  ["read the docs", "evil.example", false],
  ["version 1.2", "evil.example", false],
  ["user@bank.example", "evil.example", true],
])("label %j on a link to %s misleads: %s", (label, host, misleads) => {
  expect(labelMisleads(label, host)).toBe(misleads);
});
