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

function sectionTable({ title, columns, cells }) {
  const rows = Object.entries(cells).map(([name, row]) => [name, ...columns.map((column) => (row[column] ? figure(row[column]) : "–"))]);
  return table([title, ...columns], rows);
}

export function goalLines(goals) {
  return goals.map(
    ({ name, figure: value, goal, passed, text = figure }) => `${passed ? "PASS" : "FAIL"}  ${text(value).padStart(7)}  (${goal})  ${name}`,
  );
}

/** When and on what it was measured. */
export function machine() {
  const [{ model }] = cpus();
  return `${new Date().toISOString().slice(0, 10)} · Node ${process.versions.node} · ${cpus().length} cores, ${model.trim()}`;
}

export function report(sections, goals, rounds) {
  const held = table(
    ["Goal", "Figure", "Asked", ""],
    goals.map(({ name, figure: value, goal, passed }) => [name, figure(value), goal, passed ? "PASS" : "FAIL"]),
  );
  return [`${machine()} · median of ${rounds} rounds`, ...sections.map(sectionTable), held].join("\n\n");
}

/** @param script of package.json that makes the figures; its name is in the markers around them */
export function publish(path, text, script = "bench:core") {
  const opening = `<!-- figures: npm run ${script} -->`;
  const closing = "<!-- /figures -->";
  const readme = readFileSync(path, "utf8");
  const begin = readme.indexOf(opening);
  const end = readme.indexOf(closing, begin);
  if (begin === -1 || end === -1) throw new Error(`${path} has no place for the figures: ${opening} … ${closing}`);
  writeFileSync(path, `${readme.slice(0, begin + opening.length)}\n\n${text}\n\n${readme.slice(end)}`);
}
