import { afterEach, expect, test, vi } from "vitest";

import { TokenRenderer } from "../render/token-renderer.ts";
import { writeMath } from "./math-writer.ts";
import { math } from "./math.ts";

const mounted: HTMLElement[] = [];

afterEach(() => {
  for (const element of mounted.splice(0)) element.remove();
});

const set = (tex: string, display = false): Element | null => writeMath(document, tex, display);

test.each([
  "x^2",
  "\\frac{a}{b}",
  "\\begin{pmatrix}a&b\\\\c&d\\end{pmatrix}",
  "\\sqrt[3]{x}",
  "\\begin{aligned}a&=b\\\\c&=d\\end{aligned}",
  "\\text{if }x>0",
])("%s becomes MathML", (tex) => {
  const formula = set(tex, true);
  expect([formula?.localName, formula?.namespaceURI]).toEqual(["math", "http://www.w3.org/1998/Math/MathML"]);
  expect(formula?.childElementCount).toBeGreaterThan(0);
});

test("a fraction has a layout of its own", () => {
  const formula = set("\\frac{1}{2}", true)!;
  document.body.append(formula);
  const [above, below] = formula.querySelectorAll("mn");
  expect(above!.getBoundingClientRect().bottom).toBeLessThanOrEqual(below!.getBoundingClientRect().top + 1);
  formula.remove();
});

test.each([
  "\\href{javascript:alert(1)}{x}",
  "\\url{javascript:alert(1)}",
  "\\includegraphics{https://evil.example/x.png}",
  "\\style{background:url(https://evil.example)}{x}",
  "\\class{x}{y}",
  "\\id{x}{y}",
  "\\data{a=b}{y}",
  "\\def\\a{\\a\\a}\\a",
  "\\unknown",
  "{",
  `${"{".repeat(5_000)}x${"}".repeat(5_000)}`,
  "x".repeat(9_000),
  "x+".repeat(4_000),
])("%s stays text, or becomes nothing but listed elements and attributes", (tex) => {
  const formula = set(tex, true);
  if (!formula) return;
  for (const element of [formula, ...formula.querySelectorAll("*")]) {
    expect(element.namespaceURI).toBe("http://www.w3.org/1998/Math/MathML");
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^(?:on|href|src|id|class|xlink)/);
      expect(value).not.toMatch(/url|javascript/);
    }
  }
});

test("sizes are bounded", () => {
  const formula = set("\\rule{1000000em}{1000000em}");
  expect(formula?.querySelector("[width]")?.getAttribute("width") ?? "20em").toBe("20em");
});

test("formulas in an answer are set when they are complete; what is not understood stays", async () => {
  const root = document.createElement("div");
  document.body.append(root);
  mounted.push(root);
  const load = vi.fn<typeof math.load>(math.load);
  const renderer = new TokenRenderer(root, { math: { ...math, load } });
  for (const piece of ["Euler: $e^{i", "\\pi}$ and $\\unknown$.\n\n$$\n\\frac", "{1}{2}\n"]) {
    renderer.append(piece);
    renderer.flush();
  }
  await vi.waitFor(() => expect(root.querySelectorAll("math")).toHaveLength(1));
  expect(root.querySelector("pre")?.textContent).toBe("\\frac{1}{2}\n");
  const [first] = root.querySelectorAll("math");
  renderer.append("$$\n\nEnd.");
  renderer.end();
  renderer.flush();
  await vi.waitFor(() => expect(root.querySelectorAll("math")).toHaveLength(2));
  expect(root.querySelector("math")).toBe(first);
  expect(root.textContent).toContain("\\unknown");
  expect(root.querySelectorAll("math")[1]?.getAttribute("display")).toBe("block");
  expect(load).toHaveBeenCalledOnce();
});

test("without the typesetter TeX stays, and no error is heard of", async () => {
  const root = document.createElement("div");
  const renderer = new TokenRenderer(root, { math: { ...math, load: () => Promise.reject(new TypeError("Failed to fetch")) } });
  renderer.append("$x$");
  renderer.end();
  renderer.flush();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(root.querySelector("code.math")?.textContent).toBe("x");
});
