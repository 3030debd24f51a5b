/** The figures as text: for the terminal, and as Markdown between the markers of bench/README.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

export function figure(value) {
  if (value >= 100) return `${Math.round(value)}×`;
  return `${value.toFixed(value >= 10 ? 1 : 2)}×`;
}

export function table(header, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function sectionTable({ title, columns, cells, format = figure }) {
  const rows = Object.entries(cells).map(([name, row]) => [name, ...columns.map((column) => (row[column] ? format(row[column]) : "–"))]);
  return table([title, ...columns], rows);
}

export function goalLines(goals) {
  return goals.map(
    ({ name, figure: value, goal, passed, format = figure }) =>
      `${passed ? "PASS" : "FAIL"}  ${format(value).padStart(7)}  (${goal})  ${name}`,
  );
}

/** When and on what it was measured. @param engine what ran it, for example `Node 20.20.2` */
export function machine(engine = `Node ${process.versions.node}`) {
  const [{ model }] = cpus();
  return `${new Date().toISOString().slice(0, 10)} · ${engine} · ${cpus().length} cores, ${model.trim()}`;
}

export function report(sections, goals, rounds, engine) {
  const held = table(
    ["Goal", "Figure", "Asked", ""],
    goals.map(({ name, figure: value, goal, passed, format = figure }) => [name, format(value), goal, passed ? "PASS" : "FAIL"]),
  );
  return [`${machine(engine)} · median of ${rounds} rounds`, ...sections.map(sectionTable), held].join("\n\n");
}

const END = "<!-- /figures -->";

/** @param script the npm script whose figures these are: each has its own place in the file */
export function publish(path, text, script = "bench:core") {
  const marker = `<!-- figures: npm run ${script} -->`;
  const readme = readFileSync(path, "utf8");
  const begin = readme.indexOf(marker);
  const end = readme.indexOf(END, begin);
  if (begin === -1 || end === -1) throw new Error(`${path} has no place for the figures: ${marker} … ${END}`);
  writeFileSync(path, `${readme.slice(0, begin + marker.length)}\n\n${text}\n\n${readme.slice(end)}`);
}
