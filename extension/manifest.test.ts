import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { manifest, PERMISSIONS } from "./manifest.ts";

const built = join(import.meta.dirname, "..", "dist", "extension", "manifest.json");

test("no permission that warns at install is asked for", () => {
  expect(manifest("build")["permissions"]).toEqual(["sidePanel", "storage", "activeTab"]);
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

test("docs/extension.md gives the reason of each permission", () => {
  const docs = readFileSync(join(import.meta.dirname, "..", "docs", "extension.md"), "utf8");
  for (const [permission, reason] of Object.entries(PERMISSIONS)) expect(docs).toContain(`| \`${permission}\` | ${reason} |`);
});
