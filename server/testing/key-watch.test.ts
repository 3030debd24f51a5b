import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, onTestFinished, test } from "vitest";

import { packageRoot } from "../package-root.ts";

const WATCH = pathToFileURL(join(packageRoot(), "server", "testing", "key-watch.mjs")).href;

/** A server that tells its key in two pieces, or keeps it. */
const PROGRAM = `
  const key = process.env.MY_KEY;
  require("node:http").createServer((request, response) => {
    response.setHeader("Content-Length", request.url === "/leak" ? key.length : 13);
    response.write(request.url === "/leak" ? key.slice(0, 5) : "nothing");
    setTimeout(() => response.end(request.url === "/leak" ? key.slice(5) : "at all"), 20);
  }).listen(0, "127.0.0.1", function () { console.log("at " + this.address().port); });
`;

test("a key that a server of its own process writes is noticed, also in two pieces; what holds none is not", async () => {
  const child = spawn(process.execPath, ["--import", WATCH, "-e", PROGRAM], {
    env: { MY_KEY: "canary-of-the-watch", SHORT_KEY: "at" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill());
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  await once(child.stdout, "data");
  const port = /at (\d+)/.exec(output)?.[1];
  await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(output).not.toContain("LEAK");
  await (await fetch(`http://127.0.0.1:${port}/leak`)).text();
  await expect.poll(() => output).toContain("KEY LEAK MY_KEY");
});
