export const TEST_ARGS: string[];
export function findChromium(): string | null;
