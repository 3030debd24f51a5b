/** What the core promises, each against a rival measured in the same run. */

/** Of the sections' cells: contender → column → how many times as long as ours it takes. */
export function goalsOf({ events, payloads, line, views, growth }) {
  const parser = events.cells["eventsource-parser 3 + `TextDecoder`"];
  const decoder = events.cells["`TextDecoder` alone, no events"];
  const aiSdk = payloads.cells["AI SDK 6 `parseJsonEventStream`"];
  const jsonriver = views.cells.jsonriver;
  const partial = views.cells["AI SDK 6 `parsePartialJson`, sampled"];
  return [
    ["speed of eventsource-parser 3 + TextDecoder, 16 KB chunks", parser["16 KB chunks"], atLeast(1)],
    ["speed of eventsource-parser 3 + TextDecoder, an event a chunk", parser["an event a chunk"], atLeast(1)],
    ["speed of eventsource-parser 3 + TextDecoder, 64 B chunks", parser["64 B chunks"], atLeast(1)],
    ["speed of eventsource-parser 3 + TextDecoder, 1 B chunks", parser["1 B chunks"], atLeast(2.5)],
    ["speed of TextDecoder alone, 16 KB chunks", decoder["16 KB chunks"], atLeast(0.65)],
    ["speed of AI SDK parseJsonEventStream, JSON.parse included, 16 KB chunks", aiSdk["16 KB chunks"], atLeast(5)],
    ["speed of AI SDK parseJsonEventStream, JSON.parse included, an event a chunk", aiSdk["an event a chunk"], atLeast(5)],
    ["speed of AI SDK parseJsonEventStream, JSON.parse included, 64 B chunks", aiSdk["64 B chunks"], atLeast(5)],
    ["time of a 1 MB line : a 256 KB line, 64 B chunks", line.cells["`SseDecoder`"]["1 MB : 256 KB"], atMost(5)],
    ["speed of jsonriver, live view, slower of 2 shapes", lowest(jsonriver), atLeast(3)],
    ["speed of AI SDK parsePartialJson, live view, slower of 2 shapes", lowest(partial), atLeast(100)],
    ["time of 1 MB of arguments : 100 KB, slower of 2 shapes", highest(growth.cells), atMost(12)],
  ].map(([name, figure, { goal, holds }]) => ({ name, figure, goal, passed: holds(figure) }));
}

const atLeast = (least) => ({ goal: `≥ ${least}×`, holds: (figure) => figure >= least });
const atMost = (most) => ({ goal: `≤ ${most}×`, holds: (figure) => figure <= most });

const lowest = (row) => Math.min(...Object.values(row));
const highest = (rows) => Math.max(...Object.values(rows).flatMap(Object.values));
