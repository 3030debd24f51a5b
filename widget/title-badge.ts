/** Tells in the title of a hidden tab how many answers have come: `(2) Shop`. A page that is looked at again has its own title back. */

let count = 0;
let mark = "";

function unmark(): void {
  // The page may have another title by now, which is then left alone.
  if (document.title.startsWith(mark)) document.title = document.title.slice(mark.length);
  mark = "";
}

function onVisible(): void {
  if (document.hidden) return;
  document.removeEventListener("visibilitychange", onVisible);
  unmark();
  count = 0;
}

/** Another answer is there. Nothing to tell where somebody looks. */
export function countInTitle(): void {
  if (!document.hidden) return;
  if (count === 0) document.addEventListener("visibilitychange", onVisible);
  unmark();
  count += 1;
  mark = `(${count}) `;
  document.title = mark + document.title;
}
