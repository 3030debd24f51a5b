/** A virtual display with a keyboard and a mouse, for what no browser protocol reaches. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

import { until } from "./browser.ts";

export interface Display {
  /** As in `DISPLAY`. */
  name: string;
  /** Presses a key, such as `ctrl+shift+y`, in the browser's window. */
  key(...keys: string[]): void;
  /** Types into whatever has the keyboard in the browser's window. */
  type(text: string): void;
  /** Clicks at a place on the screen. @param button 1 is left, 3 is right */
  click(x: number, y: number, button: 1 | 3): void;
  /** Opens the context menu there and takes an item. @param fromEnd 1 is the last */
  contextMenu(x: number, y: number, fromEnd: number): Promise<void>;
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
  // A menu is a window too, of no class.
  const windows = (of: "--class" | "--name" = "--name"): string[] =>
    xdotool("search", "--onlyvisible", "--maxdepth", "1", of, of === "--class" ? "chromium" : "")
      .trim()
      .split("\n");
  const focus = (): void => {
    // The newest window; there is no window manager that would do it.
    xdotool("windowfocus", "--sync", windows("--class").at(-1)!);
  };
  return {
    name,
    key(...keys) {
      focus();
      xdotool("key", "--delay", "120", ...keys);
    },
    type(text) {
      focus();
      xdotool("type", "--delay", "30", text);
    },
    click(x, y, button) {
      xdotool("mousemove", "--sync", String(x), String(y), "click", String(button));
    },
    async contextMenu(x, y, fromEnd) {
      const before = windows().length;
      xdotool("mousemove", "--sync", String(x), String(y), "click", "3");
      await until(() => windows().length > before, "the context menu to open");
      xdotool("key", "--delay", "120", ...Array.from({ length: fromEnd }, () => "Up"), "Return");
    },
    async close() {
      server.kill();
      await once(server, "exit");
    },
  };
}
