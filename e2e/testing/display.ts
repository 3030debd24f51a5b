/** A virtual display with a keyboard and a mouse, for what no browser protocol reaches. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

export interface Display {
  /** As in `DISPLAY`. */
  name: string;
  /** Presses a key, such as `ctrl+shift+y`, in the browser's window. */
  key(...keys: string[]): void;
  /** Clicks at a place on the screen. @param button 1 is left, 3 is right */
  click(x: number, y: number, button: 1 | 3): void;
  close(): Promise<void>;
}

export async function startDisplay(): Promise<Display> {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [number] = (await once(server.stdio[3]!, "data")) as [Buffer];
  const name = `:${String(number).trim()}`;
  const xdotool = (...args: string[]): string =>
    execFileSync("xdotool", args, { env: { ...process.env, DISPLAY: name }, encoding: "utf8" });
  const focus = (): void => {
    // The newest window; there is no window manager that would do it.
    const windows = xdotool("search", "--onlyvisible", "--class", "chromium").trim().split("\n");
    xdotool("windowfocus", "--sync", windows.at(-1)!);
  };
  return {
    name,
    key(...keys) {
      focus();
      xdotool("key", "--delay", "120", ...keys);
    },
    click(x, y, button) {
      xdotool("mousemove", "--sync", String(x), String(y), "click", String(button));
    },
    async close() {
      server.kill();
      await once(server, "exit");
    },
  };
}
