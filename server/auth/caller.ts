/** Who is asking, as the gateway knows it: from a session token, from one's own `identify`, or only by address. */
export interface Caller {
  /** Only the same one can resume, steer and stop a run. `""` where nobody is told apart: then the stream's random id is the key. */
  owner: string;
  /** Address of the client, as far as it can be trusted. */
  ip: string;
  /** The only agent this caller may use. */
  agentId?: string | undefined;
  /** Tokens the session may still spend, with the name it is counted under. */
  budget?: { id: string; tokens: number } | undefined;
  /** When the session ends, ms since the epoch. */
  expiresAt?: number | undefined;
}
