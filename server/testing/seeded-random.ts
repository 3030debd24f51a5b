/** Mulberry32: a seed replays it. */
export function seededRandom(seed: number): { below(limit: number): number; pick<T>(values: readonly T[]): T } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { below: (limit) => Math.floor(next() * limit), pick: (values) => values[Math.floor(next() * values.length)]! };
}

/** `CHANL_SEED`, to replay a failure, or a new one. */
export function newSeed(): number {
  return Number(process.env["CHANL_SEED"] ?? Math.floor(Math.random() * 1e9));
}
