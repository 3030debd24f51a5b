// npm run check:image: does what deploy/Dockerfile does for its last stage, in a temporary directory and without Docker: the same
// files, the same commands, the same start, asked by the same health check, ended by SIGTERM. Then what compose.yaml points at.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureBuilt, ensureInstalled, requireNode, root } from "./setup.mjs";

requireNode();
ensureInstalled();
ensureBuilt();

const began = performance.now();
const problems = [];
const check = (what, holds) => {
  console.log(`${holds ? "ok  " : "FAIL"}  ${what}`);
  if (!holds) problems.push(what);
};

const dockerfile = readFileSync(join(root, "deploy", "Dockerfile"), "utf8").replaceAll("\\\n", " ");
const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n").filter(Boolean);
const [build, last] = dockerfile
  .split(/^FROM /m)
  .slice(1)
  .map((stage) =>
    stage
      .split("\n")
      .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line.trim()))
      .filter(Boolean)
      .map(([, word, text]) => ({ word, text })),
  );
const textsOf = (stage, word) => stage.filter((each) => each.word === word).map(({ text }) => text);

for (const text of textsOf(build, "COPY").filter((each) => each !== ". ."))
  for (const path of text.split(/\s+/).slice(0, -1))
    check(`${path} is in the build's context`, existsSync(join(root, path)) && !ignored.includes(path));

const directory = mkdtempSync(join(tmpdir(), "chanl-image-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
for (const { word, text } of last) {
  if (word === "ENV") for (const pair of text.split(/\s+/)) env[pair.split("=")[0]] = pair.slice(pair.indexOf("=") + 1);
  if (word === "COPY") {
    const isBuilt = text.startsWith("--from=build");
    const paths = text.split(/\s+/).slice(isBuilt ? 1 : 0, -1);
    for (const path of paths) {
      const from = join(root, path.replace(/^\/app\//, ""));
      check(`${path} exists`, existsSync(from) && (isBuilt || !ignored.includes(path)));
      if (existsSync(from)) cpSync(from, join(directory, path.replace(/^\/app\//, "")), { recursive: true });
    }
  }
  if (word === "RUN") {
    const { status, stderr } = spawnSync("sh", ["-c", text], {
      cwd: directory,
      env: { ...env, npm_config_prefer_offline: "true" },
      encoding: "utf8",
    });
    check(text, status === 0);
    if (status !== 0) console.log(stderr);
  }
}
check("no development dependency is in it", !existsSync(join(directory, "node_modules", "vitest")));

const [command, ...args] = JSON.parse(textsOf(last, "CMD").at(-1));
const portServer = createServer().listen(0, "127.0.0.1");
await once(portServer, "listening");
const { port } = portServer.address();
portServer.close();

/** @returns the server's output and how it ended, after `whileUp` */
async function start(extra, whileUp) {
  const server = spawn(command, args, { cwd: directory, env: { ...env, PORT: String(port), ...extra } });
  let output = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (data) => (output += data));
  const ended = once(server, "exit");
  const up = (async () => {
    while (!output.includes("ready at")) {
      if (server.exitCode !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await whileUp();
    server.kill("SIGTERM");
  })();
  const timer = setTimeout(() => server.kill("SIGKILL"), 15_000);
  const [[code]] = await Promise.all([ended, up]);
  clearTimeout(timer);
  return { output, code };
}

const health = /CMD node -e "(.*)"/.exec(textsOf(last, "HEALTHCHECK")[0])[1].replace(":3000", `:${port}`);
let healthy = false;
const open = await start({ SITE_SECRET: "0".repeat(40) }, async () => {
  const probe = spawn(process.execPath, ["-e", health], { env });
  healthy = (await once(probe, "exit"))[0] === 0;
});
check("it starts, and its health check is content", healthy);
check("SIGTERM ends it cleanly", open.code === 0);
const closed = await start({}, () => undefined);
check("without SITE_SECRET it does not start, and says why", closed.code === 1 && closed.output.includes("SITE_SECRET"));
// Nobody listens there: what it says is ioredis' answer, so the package is in the image.
const away = await start({ SITE_SECRET: "0".repeat(40), REDIS_URL: "redis://127.0.0.1:1" }, () => undefined);
check("with REDIS_URL it asks Redis", away.code === 1 && away.output.includes("ECONNREFUSED"));

const compose = readFileSync(join(root, "deploy", "compose.yaml"), "utf8");
for (const [, path] of compose.matchAll(/^\s+- \.\/(\S+?):/gm))
  check(`deploy/${path} of compose.yaml exists`, existsSync(join(root, "deploy", path)));
const [, context] = /context: (\S+)/.exec(compose);
check("its build context is the repository", join(root, "deploy", context) === root);
check("its Dockerfile exists", existsSync(join(root, /dockerfile: (\S+)/.exec(compose)[1])));
check(
  "nginx.conf holds the address that compose.yaml replaces",
  readFileSync(join(root, "deploy", "nginx.conf"), "utf8").includes("127.0.0.1:3000"),
);
const config = readFileSync(join(root, "server", "config.ts"), "utf8");
const [, gateway] = /^ {2}gateway:\n((?: {4}.*\n|\n)+)/m.exec(compose);
for (const [, name] of gateway.matchAll(/^ {6}([A-Z_]+):/gm)) check(`${name} is a setting of the gateway`, config.includes(name));

console.log(`\n${problems.length === 0 ? "PASS" : `FAIL: ${problems.length}`}  ${Math.round((performance.now() - began) / 1000)} s`);
process.exitCode = problems.length === 0 ? 0 : 1;
