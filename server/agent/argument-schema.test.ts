import { expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../../shared/protocol/chunk.ts";
import { foreignSchemaCheck, ownSchemaCheck } from "./argument-schema.ts";

const order: JsonObject = {
  type: "object",
  properties: {
    number: { type: "string", pattern: "^[0-9]+$" },
    kind: { enum: ["new", "old"] },
    at: { type: "array", items: { type: "number" } },
  },
  required: ["number"],
  additionalProperties: false,
};

test.each<[JsonValue, string | undefined]>([
  [{ number: "12" }, undefined],
  [{}, "they must have required property 'number'"],
  [{ number: 12 }, "number must be string"],
  [{ number: "x" }, 'number must match pattern "^[0-9]+$"'],
  [{ number: "1", kind: "other" }, 'kind must be equal to one of the allowed values: ["new","old"]'],
  [{ number: "1", at: [1, "2"] }, "at.1 must be number"],
  [{ number: "1", extra: 1 }, "they must NOT have additional properties (extra)"],
  ["12", "they must be object"],
])("%j against the schema of an order: %s", (input, complaint) => {
  expect(ownSchemaCheck(order)(input)).toBe(complaint);
});

test("both drafts that tools use are understood", () => {
  const tuple2020 = { $schema: "https://json-schema.org/draft/2020-12/schema", properties: { p: { prefixItems: [{ type: "string" }] } } };
  const tuple07 = { $schema: "http://json-schema.org/draft-07/schema#", properties: { p: { items: [{ type: "string" }] } } };
  for (const schema of [tuple2020, tuple07]) {
    expect(ownSchemaCheck(schema)({ p: ["a", 1] })).toBeUndefined();
    expect(ownSchemaCheck(schema)({ p: [1] })).toBe("p.0 must be string");
  }
});

test("a schema of our own that is none stops the start; a foreign one is passed over", () => {
  expect(() => ownSchemaCheck({ type: "strin" })).toThrow(/type/);
  expect(foreignSchemaCheck({ type: "strin" })({ any: 1 })).toBeUndefined();
});

test("a foreign schema cannot hold the process up: no patterns, no references, no large ones", () => {
  const backtracks = { properties: { p: { type: "string", pattern: "^(a+)+$" } } };
  expect(foreignSchemaCheck(backtracks)({ p: `${"a".repeat(60)}!` })).toBeUndefined();
  const doubles: JsonObject = { $ref: "#/$defs/d0", $defs: {} };
  for (let at = 0; at < 60; at++)
    (doubles["$defs"] as JsonObject)[`d${at}`] = { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] };
  (doubles["$defs"] as JsonObject)["d60"] = { type: "object" };
  expect(foreignSchemaCheck(doubles)({})).toBeUndefined();
  const large = { properties: { p: { enum: Array.from({ length: 9000 }, (_, at) => at) } } };
  expect(foreignSchemaCheck(large)({ p: -1 })).toBeUndefined();
  expect(foreignSchemaCheck({ type: "object", required: ["p"] })({})).toBe("they must have required property 'p'");
});

test("a complaint is short, whatever the schema holds", () => {
  const check = ownSchemaCheck({ properties: { p: { enum: Array.from({ length: 1000 }, (_, at) => `value-${at}`) } } });
  expect(check({ p: 1 })?.length).toBe(300);
});
