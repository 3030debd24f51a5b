/** MCP servers as the configuration names them, in the form other MCP clients use: `{"mcpServers": {"name": {command | url}}}`. */
import { z } from "zod";

export type McpApproval = "never" | "always" | "destructive";

export interface McpServerSettings {
  /** A program to start, spoken to over stdin and stdout. Only the configuration can name one. */
  command?: string | undefined;
  args?: string[] | undefined;
  /** Added to PATH, HOME and the like: it inherits none of our keys. */
  env?: Record<string, string> | undefined;
  cwd?: string | undefined;
  /** Or an address that speaks streamable HTTP. */
  url?: string | undefined;
  headers?: Record<string, string> | undefined;
  /** Tools that may be used. @defaultValue all of the server's */
  tools?: string[] | undefined;
  /** Which calls a person has to approve: `destructive` are those the server calls so. @defaultValue `"destructive"` */
  needsApproval?: McpApproval | undefined;
  /** Longest call in ms. @defaultValue `TOOL_TIMEOUT_MS` */
  timeoutMs?: number | undefined;
}

const address = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), "must be an http or https address");
const shared = {
  tools: z.array(z.string().min(1).max(128)).max(256).optional(),
  needsApproval: z.enum(["never", "always", "destructive"]).optional(),
  timeoutMs: z.int().min(100).max(3_600_000).optional(),
};

const stdio = z.strictObject({
  type: z.literal("stdio").optional(),
  command: z.string().min(1),
  args: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
  cwd: z.string().optional(),
  ...shared,
});
const http = z.strictObject({
  type: z.enum(["http", "streamable-http"]).optional(),
  url: address,
  headers: z.record(z.string(), z.string()).optional(),
  ...shared,
});

/** Names become part of tool names, which providers hold to 64 letters, digits, `_` and `-`. */
export const mcpServerName = z.string().regex(/^[a-zA-Z0-9_-]{1,32}$/, "must be 1 to 32 letters, digits, _ or -");

export const mcpServers = z.record(
  mcpServerName,
  z.unknown().transform((value, context): McpServerSettings => {
    const isHttp = typeof value === "object" && value !== null && "url" in value;
    const parsed = (isHttp ? http : stdio).safeParse(value);
    if (parsed.success) {
      const { type: _, ...settings } = parsed.data;
      return settings;
    }
    for (const { path, message } of parsed.error.issues) context.addIssue({ code: "custom", path, message });
    return z.NEVER;
  }),
);
