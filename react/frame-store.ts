/**
 * A store that changes at most once per animation frame. React commits synchronously for `useSyncExternalStore`; fed with
 * every token of a fast stream it throws "Maximum update depth exceeded" and starves the page.
 */
import { documentFrames, type FrameScheduler } from "../shared/render/frame-scheduler.ts";

export interface FrameStore<Snapshot> {
  subscribe: (listener: () => void) => () => void;
  /** The same object until the next frame, however many changes came in between. */
  getSnapshot: () => Snapshot;
}

interface Source<Snapshot> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): Snapshot;
}

export function createFrameStore<Snapshot>(source: Source<Snapshot>, scheduler?: FrameScheduler): FrameStore<Snapshot> {
  const listeners = new Set<() => void>();
  // Asked for at the first change: on a server that renders the page there is no document.
  let frames = scheduler;
  let shown = source.getSnapshot();
  let cancelFrame: (() => void) | null = null;
  let unsubscribe: (() => void) | null = null;

  const show = (): void => {
    cancelFrame = null;
    const next = source.getSnapshot();
    if (next === shown) return;
    shown = next;
    for (const listener of listeners) listener();
  };
  const changed = (): void => {
    cancelFrame ??= (frames ??= documentFrames(document)).schedule(show);
  };

  return {
    getSnapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) {
        shown = source.getSnapshot();
        unsubscribe = source.subscribe(changed);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        unsubscribe?.();
        unsubscribe = null;
        cancelFrame?.();
        cancelFrame = null;
      };
    },
  };
}
