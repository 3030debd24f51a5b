/**
 * chanl-chat/math: mathematics in answers, for who wants it: `new TokenRenderer(element, { math })`. The typesetter, Temml, is a
 * chunk of its own, loaded with the first formula.
 */
import type { MathSupport } from "../render/math-support.ts";
import { scanMath } from "./scan.ts";

export const math: MathSupport = {
  scan: scanMath,
  load: async () => (await import("./math-writer.ts")).writeMath,
};
