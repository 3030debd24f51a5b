// npm run zip: dist/extension as the package for the Chrome Web Store. The same files give the same bytes, whatever the clock.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";

import { ensureBuilt, ensureInstalled, root } from "./setup.mjs";

/** 1980-01-01, the first day a zip file knows. */
const DATE = 0x0021;

/** @param {{name: string, data: Buffer}[]} files @returns {Buffer} */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, data } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = Buffer.from(name);
    const packed = deflateRawSync(data, { level: 9 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version
    common.writeUInt16LE(0x0800, 2); // names are UTF-8
    common.writeUInt16LE(8, 4); // deflate
    common.writeUInt16LE(0, 6);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([signature("PK\x03\x04"), common, path, packed]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(0o644 << 16, 6); // a plain file
    entry.writeUInt32LE(offset, 10);
    directory.push(signature("PK\x01\x02"), Buffer.from([20, 3]), common, entry, path);
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, index, signature("PK\x05\x06"), end]);
}

const signature = (text) => Buffer.from(text, "latin1");

/** @param {string} folder @returns {{name: string, data: Buffer}[]} */
export function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: relative(folder, path).split(sep).join("/"), data: readFileSync(path) }));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled();
  ensureBuilt();
  const bytes = zip(filesOf(join(root, "dist", "extension")));
  writeFileSync(join(root, "dist", "chanl-chat-extension.zip"), bytes);
  console.log(`dist/chanl-chat-extension.zip, ${(bytes.length / 1000).toFixed(1)} KB`);
}
