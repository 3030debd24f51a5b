/**
 * What a run is in Redis. All keys of a gateway begin with its prefix.
 *
 * - `run:<id>` hash: the record, and the instance that produces it.
 * - `log:<id>` stream: entries of joined frames. An entry's id is `0-<seq of its first frame>`, so a batch that is written twice is
 *   refused by Redis itself. The terminal frame's entry has the id `1-0`: there can be only one, and nothing can come behind it,
 *   neither from a producer that was believed dead nor from a command that was on its way for long.
 * - `snapshot:<id>` string: the snapshot frame for what the log dropped.
 * - `request:<key>` string: id of the run that an owner's `requestId` began.
 * - `producer:<instance>` string: the lease of a living process. It is gone 8 s after the process is.
 * - `to:<instance>` channel: what is said to the runs of an instance.
 */
export interface RedisKeys {
  run(id: string): string;
  log(id: string): string;
  snapshot(id: string): string;
  request(key: string): string;
  producer(instance: string): string;
  channel(instance: string): string;
}

export function redisKeys(prefix: string): RedisKeys {
  const under = (kind: string) => (name: string) => `${prefix}${kind}:${name}`;
  return {
    run: under("run"),
    log: under("log"),
    snapshot: under("snapshot"),
    request: under("request"),
    producer: under("producer"),
    channel: under("to"),
  };
}

export const TERMINAL_ID = "1-0";

/** `[id, ["f", frames, "l", last seq]]` */
export type LogEntry = [id: string, fields: [string, string, string, string]];
