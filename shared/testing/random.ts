/** Randomness that can be replayed: every draw comes from one printed seed. */

export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  /** A whole number, 0 ≤ x < limit. */
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
  chance(probability: number): boolean;
}

/** Mulberry32: small, fast, and the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, pick: (items) => items[below(items.length)]!, chance: (probability) => next() < probability };
}

/**
 * Runs `check` over many seeds. A failure names its seed; `CHANL_SEED=<seed>` runs that one alone.
 * Without it the first seed is new in every run, so that time finds what one run does not.
 */
export function forSeeds(count: number, check: (random: Random, seed: number) => void): void {
  const only = process.env["CHANL_SEED"];
  const first = only === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(only);
  for (let seed = first; seed < first + (only === undefined ? count : 1); seed++) {
    try {
      check(createRandom(seed), seed);
    } catch (error) {
      throw new Error(`Failed with seed ${seed}. Replay: CHANL_SEED=${seed} npx vitest run --project node <this file>\n${String(error)}`, {
        cause: error,
      });
    }
  }
}
