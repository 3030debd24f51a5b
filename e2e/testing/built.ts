/**
 * Before the first test: `dist/` is what the sources are. Files run side by side, and some run `npm start`, which would build anew
 * what others are just looking at.
 */
import { ensureBuilt } from "../../scripts/setup.mjs";

export default function setup(): void {
  ensureBuilt();
}
