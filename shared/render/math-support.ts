/** What the renderer needs to know of mathematics: how to find it, and what makes elements of it. */
import type { MathScan } from "../markdown/leaf.ts";

/** Contract: never throws; null for what cannot be set, which then stays as it was written. */
export type WriteMath = (document: Document, tex: string, display: boolean) => Element | null;

export interface MathSupport {
  readonly scan: MathScan;
  /** Called with the first formula. */
  readonly load: () => Promise<WriteMath>;
}
