import type { Socket } from "node:net";

/** Long enough not to be found by chance. */
export function isWatchable(key: unknown): key is string;

/** @param keys by the name they are told with @param onLeak hears the name of each key that is written */
export function watchSocket(socket: Socket, keys: Readonly<Record<string, unknown>>, onLeak: (name: string) => void): void;
