import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import english from "./public/_locales/en/messages.json" with { type: "json" };
import { manifest, OPTIONAL_PERMISSIONS, PERMISSIONS } from "./manifest.ts";

const root = join(import.meta.dirname, "..");
const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
const built = join(root, "dist", "extension", "manifest.json");

test("no permission that warns at install is asked for", () => {
  expect(manifest("build")["permissions"]).toEqual(["sidePanel", "storage", "activeTab", "scripting", "contextMenus"]);
});

test.skipIf(!existsSync(built))("the built manifest gives no page a way in", () => {
  const shipped = JSON.parse(readFileSync(built, "utf8")) as Record<string, unknown>;
  for (const key of ["host_permissions", "content_scripts", "web_accessible_resources", "externally_connectable"]) {
    expect(shipped, key).not.toHaveProperty(key);
  }
  expect(shipped["permissions"]).toEqual(Object.keys(PERMISSIONS));
  const policy = (shipped["content_security_policy"] as { extension_pages: string }).extension_pages;
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toContain("unsafe");
});

test("the docs give the reason of each permission, and name no other", () => {
  const rows = (text: string): string[] =>
    [...text.matchAll(/^\| `([^`]+)`(?: \(optional\))? \| (.+) \|$/gm)].map(([, name, reason]) => `${name}: ${reason}`);
  const all = Object.entries({ ...PERMISSIONS, ...OPTIONAL_PERMISSIONS }).map(([name, reason]) => `${name}: ${reason}`);
  expect(rows(read("PRIVACY.md"))).toEqual(all);
  const docs = rows(read("docs", "extension.md"));
  expect(docs.filter((row) => !/^[a-z]+_[a-z]+: |^(highlight|screenshot|click): /.test(row))).toEqual(all);
});

test("one sentence says the purpose, in the manifest, the listing and PRIVACY.md", () => {
  const purpose = english.description.message;
  expect(purpose.length).toBeLessThanOrEqual(132);
  expect(read("PRIVACY.md")).toContain(`**Single purpose:** ${purpose}`);
  expect(read("extension", "store", "listing.md")).toContain(`**Single purpose:** ${purpose}`);
  expect(read("PRIVACY.md")).toContain("including the Limited Use requirements");
});

test("the extension hears no messages: there is no sender to pretend to be", () => {
  const sources = import.meta.glob<string>("./**/*.ts", { query: "?raw", import: "default", eager: true });
  for (const [path, source] of Object.entries(sources)) {
    if (path.endsWith(".test.ts")) continue;
    expect(source, path).not.toMatch(/\.(onMessage|onConnect|onMessageExternal|onConnectExternal|onUserScriptMessage)\b/);
    // Nothing is ever made from a string: no script, no markup.
    expect(source, path).not.toMatch(/\beval\(|new Function|\.innerHTML\s*=|insertAdjacentHTML|document\.write|srcdoc|unsafeHTML/);
  }
});
