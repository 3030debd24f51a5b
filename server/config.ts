/** Environment → typed configuration. What is wrong stops the start, with the variable's name. */
import { z } from "zod";

import type { LimitSettings } from "./auth/limits.ts";
import type { MetricsAccess } from "./routes/metrics.ts";

export interface GatewayConfig extends LimitSettings {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Key of the agents routes. Without one they are closed. */
  adminKey?: string | undefined;
  /** What a site's own server shows to get session tokens for its pages. With one, pages need a token. */
  siteSecret?: string | undefined;
  /** Let in callers without a token although there is a `siteSecret`, or although the host can be reached from other machines. */
  allowAnonymous: boolean;
  /** Proxies in front of the gateway whose `X-Forwarded-For` counts. */
  trustedProxies: number;
  /** Origins of the sites that may use the gateway, exactly as a browser sends them. */
  allowedOrigins: readonly string[];
  allowedExtensionIds: readonly string[];
  /** Also let in extensions and pages of this machine. Default: on a loopback host, unless `NODE_ENV` is `production`. */
  devOrigins: boolean;
  /** Address clients reach the gateway at, for links in answers. */
  publicUrl?: string | undefined;
  /** Built pages and scripts. Default: `dist` of this package. */
  publicDir?: string | undefined;
  /** Folder of Markdown files the agent `docs` answers from. Default: this project's own. */
  docsDir?: string | undefined;
  /** Folder in which agents made over the API are kept. Without one they live as long as the process. */
  dataDir?: string | undefined;
  /** File of agents and MCP servers. Read by the program `chanl-chat`; in code they are options. */
  agentsFile?: string | undefined;
  /** Where the pages of that folder are published. Default: `/docs/` of the gateway. */
  docsUrl?: string | undefined;
  /** Model of agents that name none: `anthropic/…`, `openai/…`, `openai-responses/…`, `gemini/…` or `docs-guide`. */
  model: string;
  anthropic?: { apiKey?: string | undefined; baseUrl: string; maxTokens: number } | undefined;
  openai?: { apiKey?: string | undefined; baseUrl: string } | undefined;
  gemini?: { apiKey?: string | undefined; baseUrl: string } | undefined;
  /** Times a provider is asked again after it refused before its first byte. */
  providerRetries: number;
  /** Longest silence of a provider, in ms. */
  providerIdleMs: number;
  graceMs: number;
  heartbeatMs: number;
  coalesceMs: number;
  /** Longest run, in ms. */
  maxRunMs: number;
  maxAnswerChars: number;
  /** Most bytes of one run's log. */
  maxLogBytes: number;
  /** How far a model may be ahead of the fastest reader, in bytes. */
  paceBytes: number;
  /** How long an ended run can be resumed, in ms. */
  ttlMs: number;
  maxRuns: number;
  /** Longest wait for a client that does not read, in ms. */
  stallMs: number;
  /** Time running answers get at shutdown, in ms. */
  shutdownMs: number;
  /** Keeps runs in Redis, for several instances. */
  redisUrl?: string | undefined;
  /** Who may read `/metrics`: this machine and whoever has the admin key, everybody, or nobody. */
  metrics: MetricsAccess;
  maxSteps: number;
  toolTimeoutMs: number;
  clientToolTimeoutMs: number;
  /** Longest wait for a person's approval, in ms. */
  approvalTimeoutMs: number;
  /** Pace of `docs-guide`. 0 answers at once. */
  docsGuideTokensPerSecond: number;
  /** Wait between two fragments of its tool call's arguments, in ms. */
  docsGuideFragmentMs: number;
  logLevel: string;
}

export const DEFAULT_ANTHROPIC_MODEL = "anthropic/claude-sonnet-4-5";
export const DEFAULT_OPENAI_MODEL = "openai/gpt-4.1-mini";
export const DEFAULT_GEMINI_MODEL = "gemini/gemini-2.5-flash";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Environment = Readonly<Record<string, string | undefined>>;

const number = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback);

/** A limit that protects a public gateway; on this machine alone there is none unless it is set. 0 is no limit. */
const limit = (usual: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .optional()
    .transform((text) => (isPublic: boolean) => (text === undefined ? (isPublic ? usual : 0) : Number(text)));

const list = (check: (entry: string) => boolean, expected: string) =>
  z
    .string()
    .default("")
    .transform((text) => text.split(/[\s,]+/).filter(Boolean))
    .superRefine((entries, context) => {
      for (const entry of entries)
        if (!check(entry)) context.addIssue({ code: "custom", message: `holds "${entry}", which is not ${expected}` });
    });

const address = z.string().refine((text) => URL.canParse(text) && /^https?:/.test(text), "must be an http or https address");
const secret = z.string().refine((text) => !/\s/.test(text), "must not hold spaces or line breaks");

const SCHEMA = z.object({
  HOST: z.string().default("127.0.0.1"),
  PORT: number(0, 65_535, 3000),
  ADMIN_KEY: secret.optional(),
  SITE_SECRET: secret.min(16, "must have at least 16 characters").optional(),
  ALLOW_ANONYMOUS: z.enum(["true", "false"], "must be true or false").default("false"),
  TRUST_PROXY: number(0, 10, 0),
  REQUESTS_PER_MINUTE: limit(60),
  STREAMS_PER_USER: limit(4),
  STREAMS_PER_ADDRESS: limit(20),
  TOKENS_PER_DAY: number(0, 1_000_000_000, 0),
  ALLOWED_ORIGINS: list(isOrigin, "an origin such as https://www.example.com (no path, no trailing slash, no *)"),
  ALLOWED_EXTENSION_IDS: list((id) => /^[a-p]{32}$/.test(id), "the id of a Chrome extension (32 letters from a to p)"),
  PUBLIC_URL: address.optional(),
  PUBLIC_DIR: z.string().optional(),
  DOCS_DIR: z.string().optional(),
  DOCS_URL: address.optional(),
  DATA_DIR: z.string().optional(),
  AGENTS_FILE: z.string().optional(),
  MODEL: z.string().max(200, "must have at most 200 characters").optional(),
  ANTHROPIC_API_KEY: secret.optional(),
  ANTHROPIC_BASE_URL: address.optional(),
  ANTHROPIC_MAX_TOKENS: number(1, 1_000_000, 4096),
  OPENAI_API_KEY: secret.optional(),
  OPENAI_BASE_URL: address.optional(),
  GEMINI_API_KEY: secret.optional(),
  GEMINI_BASE_URL: address.optional(),
  PROVIDER_IDLE_MS: number(100, 3_600_000, 90_000),
  PROVIDER_RETRIES: number(0, 5, 2),
  GRACE_MS: number(0, 3_600_000, 30_000),
  HEARTBEAT_MS: number(50, 60_000, 15_000),
  COALESCE_MS: number(0, 50, 16),
  MAX_RUN_MS: number(1000, 86_400_000, 900_000),
  MAX_ANSWER_CHARS: number(1000, 100_000_000, 1_000_000),
  MAX_LOG_BYTES: number(16_384, 1_073_741_824, 2_097_152),
  PACE_BYTES: number(16_384, 1_073_741_824, 262_144),
  TTL_MS: number(0, 86_400_000, 900_000),
  MAX_RUNS: number(1, 1_000_000, 1000),
  STALL_MS: number(100, 600_000, 30_000),
  SHUTDOWN_MS: number(0, 600_000, 5000),
  REDIS_URL: z
    .string()
    .refine((text) => URL.canParse(text) && /^rediss?:/.test(text), "must be a redis or rediss address")
    .optional(),
  METRICS: z.enum(["guarded", "open", "off"], "must be one of guarded, open, off").default("guarded"),
  MAX_STEPS: number(1, 100, 8),
  TOOL_TIMEOUT_MS: number(100, 3_600_000, 30_000),
  CLIENT_TOOL_TIMEOUT_MS: number(100, 3_600_000, 120_000),
  APPROVAL_TIMEOUT_MS: number(100, 86_400_000, 600_000),
  DOCS_GUIDE_TOKENS_PER_SECOND: number(0, 100_000, 160),
  DOCS_GUIDE_FRAGMENT_MS: number(0, 1000, 15),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], "must be one of fatal, error, warn, info, debug, trace, silent")
    .default("info"),
  NODE_ENV: z.string().optional(),
});

/** @throws ConfigError with one line per wrong variable. Its text never holds the value of a key. */
export function loadConfig(environment: Environment): GatewayConfig {
  // `PORT=` in a compose file means "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ""));
  const parsed = SCHEMA.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`).join("\n"));
  }
  const env = parsed.data;
  const isPublic = !isLoopback(env.HOST);
  const anthropic =
    env.ANTHROPIC_API_KEY || env.ANTHROPIC_BASE_URL
      ? {
          apiKey: env.ANTHROPIC_API_KEY,
          baseUrl: env.ANTHROPIC_BASE_URL ?? "https://api.anthropic.com",
          maxTokens: env.ANTHROPIC_MAX_TOKENS,
        }
      : undefined;
  const openai =
    env.OPENAI_API_KEY || env.OPENAI_BASE_URL
      ? { apiKey: env.OPENAI_API_KEY, baseUrl: env.OPENAI_BASE_URL ?? "https://api.openai.com/v1" }
      : undefined;
  const gemini =
    env.GEMINI_API_KEY || env.GEMINI_BASE_URL
      ? { apiKey: env.GEMINI_API_KEY, baseUrl: env.GEMINI_BASE_URL ?? "https://generativelanguage.googleapis.com" }
      : undefined;
  const defaultModel = anthropic ? DEFAULT_ANTHROPIC_MODEL : openai ? DEFAULT_OPENAI_MODEL : gemini ? DEFAULT_GEMINI_MODEL : "docs-guide";
  return {
    host: env.HOST,
    port: env.PORT,
    adminKey: env.ADMIN_KEY,
    siteSecret: env.SITE_SECRET,
    allowAnonymous: env.ALLOW_ANONYMOUS === "true",
    trustedProxies: env.TRUST_PROXY,
    requestsPerMinute: env.REQUESTS_PER_MINUTE(isPublic),
    streamsPerUser: env.STREAMS_PER_USER(isPublic),
    streamsPerAddress: env.STREAMS_PER_ADDRESS(isPublic),
    tokensPerDay: env.TOKENS_PER_DAY,
    allowedOrigins: env.ALLOWED_ORIGINS,
    allowedExtensionIds: env.ALLOWED_EXTENSION_IDS,
    devOrigins: isLoopback(env.HOST) && env.NODE_ENV !== "production",
    publicUrl: env.PUBLIC_URL,
    publicDir: env.PUBLIC_DIR,
    docsDir: env.DOCS_DIR,
    docsUrl: env.DOCS_URL,
    agentsFile: env.AGENTS_FILE,
    // Agents can only be made with the key, so without one there is nothing to keep.
    dataDir: env.DATA_DIR ?? (env.ADMIN_KEY === undefined ? undefined : ".chanl-chat"),
    model: env.MODEL ?? defaultModel,
    anthropic,
    openai,
    gemini,
    providerRetries: env.PROVIDER_RETRIES,
    providerIdleMs: env.PROVIDER_IDLE_MS,
    graceMs: env.GRACE_MS,
    heartbeatMs: env.HEARTBEAT_MS,
    coalesceMs: env.COALESCE_MS,
    maxRunMs: env.MAX_RUN_MS,
    maxAnswerChars: env.MAX_ANSWER_CHARS,
    maxLogBytes: env.MAX_LOG_BYTES,
    paceBytes: env.PACE_BYTES,
    ttlMs: env.TTL_MS,
    maxRuns: env.MAX_RUNS,
    stallMs: env.STALL_MS,
    shutdownMs: env.SHUTDOWN_MS,
    redisUrl: env.REDIS_URL,
    metrics: env.METRICS,
    maxSteps: env.MAX_STEPS,
    toolTimeoutMs: env.TOOL_TIMEOUT_MS,
    clientToolTimeoutMs: env.CLIENT_TOOL_TIMEOUT_MS,
    approvalTimeoutMs: env.APPROVAL_TIMEOUT_MS,
    docsGuideTokensPerSecond: env.DOCS_GUIDE_TOKENS_PER_SECOND,
    docsGuideFragmentMs: env.DOCS_GUIDE_FRAGMENT_MS,
    logLevel: env.LOG_LEVEL,
  };
}

/** What an empty environment gives: the start of a configuration written in code. */
export function defaultConfig(): GatewayConfig {
  return loadConfig({});
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
}
