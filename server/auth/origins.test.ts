import { expect, test } from "vitest";

import { OriginPolicy } from "./origins.ts";

const loopback = new OriginPolicy({ allowedOrigins: [], allowedExtensionIds: [], devOrigins: true });
const deployed = new OriginPolicy({ allowedOrigins: ["https://www.example.com"], allowedExtensionIds: [], devOrigins: false });

test("a name that was pointed at this machine after its page was loaded is refused, although it is the page's own", () => {
  expect(() => loopback.check("http://rebound.example:3000", "rebound.example:3000")).toThrow(
    /add http:\/\/rebound\.example:3000 to ALLOWED_ORIGINS/,
  );
});

test.each(["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"])("%s is this machine", (origin) => {
  expect(() => loopback.check(origin, new URL(origin).host)).not.toThrow();
});

test("a deployed gateway lets in its own pages and the listed ones", () => {
  expect(() => deployed.check("https://chat.example.com", "chat.example.com")).not.toThrow();
  expect(() => deployed.check("https://www.example.com", "chat.example.com")).not.toThrow();
  expect(() => deployed.check("https://other.example.com", "chat.example.com")).toThrow(/ALLOWED_ORIGINS/);
});

test("a request without an origin comes from no page", () => {
  expect(() => deployed.check(undefined, "chat.example.com")).not.toThrow();
});
