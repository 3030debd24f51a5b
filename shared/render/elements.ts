/**
 * The closed table of what may exist in rendered model text. Every element and every attribute goes through here; text
 * only ever goes into Text nodes, and nothing is ever parsed as HTML. No `id` and no `name`, so content cannot shadow
 * the page's own objects.
 */

export type Tag =
  | "a"
  | "blockquote"
  | "br"
  | "button"
  | "code"
  | "del"
  | "div"
  | "em"
  | "h1"
  | "h2"
  | "h3"
  | "h4"
  | "h5"
  | "h6"
  | "hr"
  | "img"
  | "input"
  | "li"
  | "ol"
  | "p"
  | "pre"
  | "span"
  | "strong"
  | "table"
  | "tbody"
  | "td"
  | "th"
  | "thead"
  | "tr"
  | "ul";

export type Attribute =
  | "alt"
  | "aria-hidden"
  | "aria-label"
  | "aria-pressed"
  | "checked"
  | "class"
  | "dir"
  | "disabled"
  | "href"
  | "loading"
  | "part"
  | "referrerpolicy"
  | "rel"
  | "role"
  | "scope"
  | "src"
  | "start"
  | "tabindex"
  | "target"
  | "title"
  | "type";

/** One that is null is left out. */
export type Attributes = Readonly<Partial<Record<Attribute, string | null>>>;

export function createElement(document: Document, tag: Tag, attributes: Attributes = {}, text = ""): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  if (text !== "") element.append(text);
  return element;
}

export function createButton(document: Document, name: string | null, label: string, onClick: () => void): HTMLElement {
  const button = createElement(document, "button", { type: "button", class: name }, label);
  button.addEventListener("click", onClick);
  return button;
}
