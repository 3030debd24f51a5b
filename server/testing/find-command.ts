/** Programs of this machine that tests use for real. `npm test` installs them where it can. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Servers are often where a person's PATH does not look. */
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

export function findCommand(name: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
