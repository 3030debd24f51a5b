/** The figures as text: for the terminal, and as Markdown between the markers of bench/README.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

export function figure(value) {
  if (value >= 100) return `${Math.round(value)}×`;
  return `${value.toFixed(value >= 10 ? 1 : 2)}×`;
}

function table(header, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function sectionTable({ title, columns, cells }) {
  const rows = Object.entries(cells).map(([name, row]) => [name, ...columns.map((column) => (row[column] ? figure(row[column]) : "–"))]);
  return table([title, ...columns], rows);
}

export function goalLines(goals) {
  return goals.map(
    ({ name, figure: value, goal, passed }) => `${passed ? "PASS" : "FAIL"}  ${figure(value).padStart(7)}  (${goal})  ${name}`,
  );
}

export function report(sections, goals, rounds) {
  const [{ model }] = cpus();
  const held = table(
    ["Goal", "Figure", "Asked", ""],
    goals.map(({ name, figure: value, goal, passed }) => [name, figure(value), goal, passed ? "PASS" : "FAIL"]),
  );
  return [
    `${new Date().toISOString().slice(0, 10)} · Node ${process.versions.node} · ${cpus().length} cores, ${model.trim()} · median of ${rounds} rounds`,
    ...sections.map(sectionTable),
    held,
  ].join("\n\n");
}

const BEGIN = "<!-- figures: npm run bench:core -->";
const END = "<!-- /figures -->";

export function publish(path, text) {
  const readme = readFileSync(path, "utf8");
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`${path} has no place for the figures: ${BEGIN} … ${END}`);
  writeFileSync(path, `${readme.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${readme.slice(end)}`);
}
