/** Calls that run in the client: the run waits here for their results, keyed by the call's id. */
import type { ToolResultRequest } from "../../shared/protocol/request.ts";

export type SubmitOutcome = "accepted" | "duplicate" | "unknown";

export class ClientToolResults {
  readonly #waiting = new Map<string, (result: ToolResultRequest) => void>();
  readonly #settled = new Set<string>();

  /**
   * Begins to wait for one call. Called before the call is told to the client, so that no answer can come too early.
   * Rejects with the signal's reason; the caller's signal carries the time limit.
   */
  expect(callId: string, signal: AbortSignal): Promise<ToolResultRequest> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(callId);
        this.#settled.add(callId);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(signal.reason);
      };
      this.#waiting.set(callId, (result) => {
        settle();
        resolve(result);
      });
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** Hands a result in. The second one for a call is refused: no tool counts twice. */
  submit(result: ToolResultRequest): SubmitOutcome {
    const accept = this.#waiting.get(result.toolCallId);
    if (accept) {
      accept(result);
      return "accepted";
    }
    return this.#settled.has(result.toolCallId) ? "duplicate" : "unknown";
  }
}
