/** The icons: 24-unit outlines that take the colour of the text beside them and are hidden from assistive technology. */
import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";

const icon = (shape: SVGTemplateResult, size = ""): TemplateResult =>
  html`<svg class="i ${size}" viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>`;
const path = (d: string): SVGTemplateResult => svg`<path d=${d} />`;
const circled = (d: string): SVGTemplateResult => svg`<circle cx="12" cy="12" r="8" /><path d=${d} />`;

const COPY = svg`<rect x="9" y="9" width="11" height="11" rx="2.5" /><path d="M5.5 15A1.5 1.5 0 0 1 4 13.5v-8A1.5 1.5 0 0 1 5.5 4h8A1.5 1.5 0 0 1 15 5.5" />`;

export const icons = {
  spark: () => icon(path("M12 4.5c.6 4.3 3.2 6.9 7.5 7.5-4.3.6-6.9 3.2-7.5 7.5-.6-4.3-3.2-6.9-7.5-7.5 4.3-.6 6.9-3.2 7.5-7.5Z")),
  chat: () => icon(path("M20 11.5a7.5 7.5 0 0 1-11 6.6L4.5 19.5 6 15.3A7.5 7.5 0 1 1 20 11.5Z")),
  compose: () =>
    icon(
      path(
        "M12.5 4.5H7A2.5 2.5 0 0 0 4.5 7v10A2.5 2.5 0 0 0 7 19.5h10a2.5 2.5 0 0 0 2.5-2.5v-5.5M18.2 4.3a1.7 1.7 0 0 1 2.4 2.4L13 14.3l-3.3.9.9-3.3z",
      ),
    ),
  expand: () => icon(path("M14 4.5h5.5V10M10 19.5H4.5V14M19 5l-6 6M5 19l6-6")),
  shrink: () => icon(path("M13 5.5V11h5.5M11 18.5V13H5.500M13 11l6.5-6.500M11 13l-6.5 6.5")),
  close: () => icon(path("M6 6l12 12M18 6 6 18")),
  down: () => icon(path("m7 10 5 5 5-5")),
  chevron: () => icon(path("m7 10 5 5 5-5"), "xs chev"),
  copy: () => icon(COPY, "s"),
  check: () => icon(path("m5.5 12.5 4.2 4.2 8.8-9.4"), "s"),
  regenerate: () => icon(path("M19.5 12a7.5 7.5 0 1 1-2.3-5.4L20 9M20 4v5h-5"), "s"),
  thought: () =>
    icon(
      path(
        "M12 6.2a2.7 2.7 0 0 0-5.2.7A3 3 0 0 0 5 12a3 3 0 0 0 1.9 4.9A2.7 2.7 0 0 0 12 17.6zm0 0a2.7 2.7 0 0 1 5.2.7A3 3 0 0 1 19 12a3 3 0 0 1-1.9 4.9 2.7 2.7 0 0 1-5.1.7",
      ),
      "s",
    ),
  send: () => icon(path("M12 19V5M6 11l6-6 6 6")),
  back: () => icon(path("m14.5 6-6 6 6 6"), "s"),
  forward: () => icon(path("m9.5 6 6 6-6 6"), "s"),
  edit: () => icon(path("M16.2 5.300a1.800 1.800 0 0 1 2.500 2.500L8.500 18l-3.700 1.200L6 15.500z"), "s"),
  good: () =>
    icon(
      path(
        "M7.500 11v8.500M7.500 11l3.700-6.800a1.900 1.900 0 0 1 2.600 1.800V10h4.400a1.900 1.900 0 0 1 1.800 2.300l-1.300 5.700a1.900 1.900 0 0 1-1.800 1.500H4.500V11z",
      ),
      "s",
    ),
  bad: () =>
    icon(
      path(
        "M7.500 13V4.500M7.500 13l3.700 6.800a1.900 1.900 0 0 0 2.600-1.800V14h4.400a1.900 1.900 0 0 0 1.800-2.300L18.700 6a1.900 1.900 0 0 0-1.800-1.500H4.500V13z",
      ),
      "s",
    ),
  read: () => icon(path("M4.500 9.800v4.400h3L12 18V6L7.500 9.800zM15.500 9.500a3.500 3.500 0 0 1 0 5M18 7a7 7 0 0 1 0 10"), "s"),
  stop: () => icon(path("M7.500 7.500h9v9h-9z"), "s"),
  offline: () =>
    icon(
      path(
        "M4.500 4.500l15 15M12 18.500v.1M8.700 15.200a4.700 4.700 0 0 1 5.500-.8M5.500 12a9.300 9.300 0 0 1 3.600-2.200M13 9.200a9.300 9.300 0 0 1 5.500 2.800",
      ),
      "s",
    ),
  arrowDown: () => icon(path("M12 5v14M6 13l6 6 6-6"), "s"),
  done: () => icon(circled("m8.5 12.2 2.4 2.4 4.6-4.9"), "s"),
  alert: () => icon(circled("M12 8v4.5M12 15.7v.1"), "s"),
  clock: () => icon(circled("M12 7.5V12l3 2"), "s"),
  ban: () => icon(circled("m6.5 6.5 11 11"), "s"),
  shield: () => icon(path("M12 3.8 19 6.500v5.200c0 4.2-2.9 7.3-7 8.6-4.1-1.3-7-4.4-7-8.600V6.500zM12 8.500v4M12 15.300v.1"), "s"),
  question: () => icon(path("M20 11.500a7.5 7.5 0 0 1-11 6.600L4.5 19.5 6 15.300A7.5 7.5 0 1 1 20 11.500Z"), "s"),
  microphone: () =>
    icon(path("M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4ZM6.5 11.500a5.5 5.5 0 0 0 11 0M12 17v3")),
  attach: () => icon(path("m19.5 11.5-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.400l-8 8a1.5 1.5 0 0 1-2.2-2.200l7.2-7.200")),
  file: () =>
    icon(
      path(
        "M13.500 4.500H8A1.500 1.500 0 0 0 6.500 6v12A1.500 1.500 0 0 0 8 19.500h8a1.500 1.500 0 0 0 1.500-1.500V8.500zM13.500 4.500v4h4",
      ),
      "s",
    ),
  remove: () => icon(path("M6 6l12 12M18 6 6 18"), "s"),
  undo: () => icon(path("M9 6 5 10l4 4M5 10h9a5 5 0 0 1 0 10h-3"), "s"),
};
