/** Counts the timers our own code has pending: what stopped must leave none. */

export interface TimerWatch {
  /** Timers set by `shared/` itself since the watch began that neither fired nor were cleared. */
  pending(): number;
  restore(): void;
}

export function watchTimers(): TimerWatch {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const open = new Set<unknown>();
  const isOurs = (): boolean =>
    /\/shared\/(?!testing\/)[\w/-]+\.ts(?!\w)/.test(
      (new Error().stack ?? "")
        .replace(/\S+\.test\.ts/g, "")
        .split("\n")
        .slice(3, 5)
        .join("\n"),
    );
  globalThis.setTimeout = ((action: () => void, ms?: number) => {
    const ours = isOurs();
    const timer: unknown = set(() => {
      open.delete(timer);
      action();
    }, ms);
    if (ours) open.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    open.delete(timer);
    clear(timer);
  }) as typeof clearTimeout;
  return {
    pending: () => open.size,
    restore() {
      globalThis.setTimeout = set;
      globalThis.clearTimeout = clear;
    },
  };
}
