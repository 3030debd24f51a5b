/**
 * A Vite plugin: Lit notes its versions in three globals, for a warning of its development build. In a script of ours nobody reads
 * them, and a page that embeds the widget should find as little as can be that is new among its names.
 */
const NOTE = /\(\w+\.(?:litHtmlVersions|litElementVersions|reactiveElementVersions)\?\?=\[\]\)\.push\("[^"]*"\)/g;

export function noGlobals() {
  return {
    name: "no-globals",
    apply: "build",
    transform: {
      filter: { id: /\/node_modules\/(?:lit-html|lit-element|@lit\/reactive-element)\//, code: /Versions\?\?=/ },
      // As long as before, so that the source map stays true.
      handler: (code) => ({ code: code.replace(NOTE, (note) => "0".padEnd(note.length)), map: null }),
    },
  };
}
