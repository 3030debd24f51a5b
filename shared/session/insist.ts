/** Saying something to the gateway until it has heard. */
import { ChatError } from "../errors.ts";
import { wait } from "../transport/retry.ts";

/** Tells the gateway something until it has heard. @throws what the last attempt threw, and at once what another would not change. */
export async function insist(attempts: number, signal: AbortSignal, request: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt === attempts || signal.aborted || (error instanceof ChatError && !error.retryable)) throw error;
    }
    await wait(500 * 2 ** (attempt - 1), signal);
    if (signal.aborted) return;
  }
}

/** The gateway had its answer already, from an attempt whose receipt was lost, or from somebody else. */
export function isSettled(error: unknown): boolean {
  return error instanceof ChatError && (error.code === "conflict" || error.code === "not_found");
}
