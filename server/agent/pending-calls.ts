/** Calls a run waits for an answer to from the client: the result of a tool that runs there, or a person's approval. */

export type SubmitOutcome = "accepted" | "duplicate" | "unknown";

export class PendingCalls<Answer extends { toolCallId: string }> {
  /** Made with the first call: most runs have none, and a thousand of them would hold four thousand empty tables. */
  #waiting: Map<string, (answer: Answer) => void> | undefined;
  #settled: Set<string> | undefined;

  /** Calls that wait. */
  get size(): number {
    return this.#waiting?.size ?? 0;
  }

  /**
   * Begins to wait for one call. Called before the call is told to the client, so that no answer can come too early.
   * Rejects with the signal's reason; the caller's signal carries the time limit.
   * @param check Throws for an answer that cannot be taken; the wait then goes on.
   */
  expect(callId: string, signal: AbortSignal, check?: (answer: Answer) => void): Promise<Answer> {
    const waiting = (this.#waiting ??= new Map<string, (answer: Answer) => void>());
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        waiting.delete(callId);
        (this.#settled ??= new Set()).add(callId);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(signal.reason as Error);
      };
      waiting.set(callId, (answer) => {
        check?.(answer);
        settle();
        resolve(answer);
      });
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** Hands an answer in. The second one for a call is refused: no tool counts twice. Throws what `check` throws. */
  submit(answer: Answer): SubmitOutcome {
    const accept = this.#waiting?.get(answer.toolCallId);
    if (!accept) return this.#settled?.has(answer.toolCallId) ? "duplicate" : "unknown";
    accept(answer);
    return "accepted";
  }
}
