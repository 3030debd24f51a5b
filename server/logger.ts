/** Structured logs. Keys, cookies and what people write never reach them. */
import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";

export type Logger = Pick<PinoLogger, "debug" | "info" | "warn" | "error">;

/** One secret-bearing field name, at the top and one level down. */
const SECRET_FIELDS = ["authorization", "cookie", "apiKey", "adminKey", "x-api-key", "messages", "content", "arguments"];

export interface LoggerOptions {
  /** @defaultValue `"info"` */
  level?: string | undefined;
  destination?: DestinationStream | undefined;
}

export function createLogger({ level = "info", destination }: LoggerOptions = {}): Logger {
  const redact = { paths: SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`]), censor: "[redacted]" };
  const options = { level, redact, base: null };
  return destination ? pino(options, destination) : pino(options);
}

/** What others said, for the debug log: they may repeat the keys they were given. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret.length > 0) clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}
