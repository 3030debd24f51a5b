/** JSON Schema checks of a call's arguments: compiled once per schema, answered with one short sentence. */
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

import type { JsonObject, JsonValue } from "../../shared/protocol/chunk.ts";

/** What is wrong with the arguments, in at most 300 characters; `undefined` when nothing is. */
export type ArgumentCheck = (input: JsonValue) => string | undefined;

const MAX_COMPLAINT_CHARS = 300;
/** A foreign schema above this many characters is not checked here. */
const MAX_FOREIGN_CHARS = 16_384;

const OPTIONS: Options = {
  // Schemas come from many hands: an unknown keyword or format is no reason to refuse a tool.
  strict: false,
  validateFormats: false,
  addUsedSchema: false,
  logger: false,
};
/** Patterns of a foreign schema always match: one that backtracks for ever would stop the process. */
const FOREIGN: Options = { ...OPTIONS, code: { regExp: Object.assign(() => ({ test: () => true }), { code: "undefined" }) } };

const own = { draft7: new Ajv(OPTIONS), draft2020: new Ajv2020(OPTIONS) };
const foreign = { draft7: new Ajv(FOREIGN), draft2020: new Ajv2020(FOREIGN) };

const compiled = new WeakMap<JsonObject, ArgumentCheck>();

/**
 * The check for a schema written for this gateway. The same object is compiled once.
 * @throws Error when it is no JSON Schema.
 */
export function ownSchemaCheck(schema: JsonObject): ArgumentCheck {
  let check = compiled.get(schema);
  if (!check) {
    check = toCheck(compile(own, schema));
    compiled.set(schema, check);
  }
  return check;
}

/**
 * The check for a schema that came over the network, with a request or from an MCP server. Whoever wrote it checks the
 * arguments again, so it never holds the gateway up: without a `$ref` a check costs at most schema × arguments; with one it can cost
 * 2^n. Schemas that could are passed over, and so are those that are none.
 */
export function foreignSchemaCheck(schema: JsonObject): ArgumentCheck {
  const known = compiled.get(schema);
  if (known) return known;
  const text = JSON.stringify(schema);
  let check: ArgumentCheck = () => undefined;
  if (text.length <= MAX_FOREIGN_CHARS && !/"(\$ref|\$dynamicRef|\$recursiveRef|uniqueItems)"/.test(text)) {
    try {
      check = toCheck(compile(foreign, schema));
    } catch {
      // Not a JSON Schema.
    }
  }
  compiled.set(schema, check);
  return check;
}

function compile(ajv: typeof own, given: JsonObject): ValidateFunction {
  const { $schema, ...schema } = given;
  // Two tools may have copied the same id.
  delete schema["$id"];
  const draft = typeof $schema === "string" && $schema.includes("draft-0") ? ajv.draft7 : ajv.draft2020;
  try {
    return draft.compile(schema);
  } finally {
    // Ajv keeps every schema it ever saw.
    draft.removeSchema(schema);
  }
}

function toCheck(validate: ValidateFunction): ArgumentCheck {
  return (input) => (validate(input) ? undefined : complaint(validate.errors?.[0]));
}

function complaint(error: ErrorObject | undefined): string {
  if (!error) return "they do not fit the schema";
  const where = error.instancePath === "" ? "they" : error.instancePath.slice(1).replaceAll("/", ".");
  const more = "additionalProperty" in error.params ? ` (${String(error.params["additionalProperty"])})` : "";
  const allowed = "allowedValues" in error.params ? `: ${JSON.stringify(error.params["allowedValues"])}` : "";
  return `${where} ${error.message ?? "do not fit the schema"}${more}${allowed}`.slice(0, MAX_COMPLAINT_CHARS);
}
