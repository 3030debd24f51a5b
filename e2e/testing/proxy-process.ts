/** The distribution's proxies in front of a gateway, unprivileged and on free ports: with the configurations we ship, and with others. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findCommand } from "../../server/testing/find-command.ts";
import { freePort } from "../../server/testing/free-port.ts";
import { root } from "./gateway-process.ts";

export interface ProxyProcess {
  origin: string;
  stop(): Promise<void>;
}

/** What is put into a configuration. */
interface Place {
  /** Port of the proxy. */
  port: number;
  /** Port of the gateway. */
  gateway: number;
  /** For files of its own. */
  folder: string;
}

export interface ProxyKind {
  name: string;
  command: "nginx" | "haproxy" | "caddy" | "apache2";
  config: (place: Place) => Promise<string> | string;
}

const shipped = (file: string): Promise<string> => readFile(join(root, "deploy", file), "utf8");

function nginx(server: string, { folder }: Place): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
  return `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 512; }
http { access_log off; ${temporary}
${server}
}`;
}

/** @param lines Besides `proxy_pass`, which alone is nginx as it comes. */
export function nginxWith(name: string, lines = ""): ProxyKind {
  return {
    name,
    command: "nginx",
    config: (place) =>
      nginx(`server { listen 127.0.0.1:${place.port}; location / { proxy_pass http://127.0.0.1:${place.gateway}; ${lines} } }`, place),
  };
}

export const nginxShipped: ProxyKind = {
  name: "nginx, deploy/nginx.conf",
  command: "nginx",
  config: async (place) =>
    nginx(
      (await shipped("nginx.conf"))
        .replace("127.0.0.1:3000", `127.0.0.1:${place.gateway}`)
        .replace("listen 80;", `listen 127.0.0.1:${place.port};`),
      place,
    ),
};

const haproxyText = async ({ port, gateway }: Place): Promise<string> =>
  (await shipped("haproxy.cfg")).replace("bind :8080", `bind 127.0.0.1:${port}`).replace("127.0.0.1:3000", `127.0.0.1:${gateway}`);

export const haproxyShipped: ProxyKind = { name: "HAProxy, deploy/haproxy.cfg", command: "haproxy", config: haproxyText };

export const haproxyDelaying: ProxyKind = {
  name: "HAProxy without http-no-delay",
  command: "haproxy",
  config: async (place) => (await haproxyText(place)).replace("option http-no-delay", ""),
};

export const caddyShipped: ProxyKind = {
  name: "Caddy, deploy/Caddyfile",
  command: "caddy",
  config: async ({ port, gateway }) =>
    `{\nadmin off\nauto_https off\n}\n${(await shipped("Caddyfile")).replace(":8080 {", `http://127.0.0.1:${port} {`).replace("127.0.0.1:3000", `127.0.0.1:${gateway}`)}`,
};

export const apacheShipped: ProxyKind = {
  name: "Apache, deploy/apache.conf",
  command: "apache2",
  config: async ({ port, gateway, folder }) => {
    const modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "headers"];
    return `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
Listen 127.0.0.1:${port}
${(await shipped("apache.conf")).replace("*:8080", `127.0.0.1:${port}`).replaceAll(":3000/", `:${gateway}/`)}`;
  },
};

export function isInstalled({ command }: ProxyKind): boolean {
  return findCommand(command) !== undefined;
}

export async function startProxy(kind: ProxyKind, gatewayOrigin: string): Promise<ProxyProcess> {
  const command = findCommand(kind.command);
  if (!command) throw new Error(`there is no ${kind.command} on this machine`);
  const folder = await mkdtemp(join(tmpdir(), `chanl-${kind.command}-`));
  const port = await freePort();
  const file = join(folder, kind.command === "caddy" ? "Caddyfile" : "proxy.conf");
  await writeFile(file, await kind.config({ port, gateway: Number(new URL(gatewayOrigin).port), folder }));
  const args = {
    nginx: ["-c", file, "-p", folder],
    haproxy: ["-db", "-f", file],
    caddy: ["run", "--config", file, "--adapter", "caddyfile"],
    apache2: ["-f", file, "-DFOREGROUND"],
  }[kind.command];
  const child = spawn(command, args, { env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  for (let attempt = 0; !(await isListening(port)); attempt++) {
    if (child.exitCode !== null || attempt > 200) throw new Error(`${kind.name} did not come up:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await exited;
      clearTimeout(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (result: boolean) => (): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", settle(true)).once("error", settle(false));
  });
}
