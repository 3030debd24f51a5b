/** Recorded streams and conformance cases, kept beside the repository because they belong to others. A clone alone has none. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const folder = process.env["CHANL_FIXTURES"] ?? resolve(import.meta.dirname, "../../../shared/fixtures");

/** Why tests of recordings are skipped here, or `null` when the recordings are there. */
export const fixturesMissing: string | null = existsSync(join(folder, "sse")) ? null : `no recordings at ${folder}; set CHANL_FIXTURES`;

if (fixturesMissing) console.warn(`Tests of recorded streams are skipped: ${fixturesMissing}.`);

export function fixtureJson(path: string): unknown {
  return JSON.parse(readFileSync(join(folder, path), "utf8"));
}

export interface Recording {
  name: string;
  bytes: Uint8Array;
  expected: { [key: string]: unknown };
}

/** Every recording of one provider with its expected result. */
export function recordings(provider: string): Recording[] {
  if (fixturesMissing) return [];
  const at = join(folder, "streams", provider);
  return readdirSync(at)
    .filter((file) => file.endsWith(".sse"))
    .map((file) => {
      const name = basename(file, ".sse");
      return {
        name,
        bytes: new Uint8Array(readFileSync(join(at, file))),
        expected: JSON.parse(readFileSync(join(at, `${name}.expected.json`), "utf8")) as { [key: string]: unknown },
      };
    });
}

/** A stream written for these tests, from `testing/streams`. */
export function ownStream(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, "streams", path)));
}
