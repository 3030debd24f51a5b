/** Safari has no idle callbacks. */
const WITHOUT_IDLE_MS = 50;

/**
 * Runs when the browser has nothing else to do.
 * @param timeoutMs then it runs anyway: a busy page has no idle time
 * @returns cancels it
 */
export function whenIdle(run: () => void, timeoutMs: number): () => void {
  if ("requestIdleCallback" in globalThis) {
    const id = requestIdleCallback(run, { timeout: timeoutMs });
    return () => cancelIdleCallback(id);
  }
  const id = setTimeout(run, Math.min(timeoutMs, WITHOUT_IDLE_MS));
  return () => clearTimeout(id);
}
