/**
 * What the agent's tools do inside a page. One self-contained function, bundled, with a closed list of operations: nothing in
 * it is ever made from a string of the page, the model or a server.
 *
 * It runs in the extension's isolated world, whose globals the page cannot see: there it keeps the elements it named, so that
 * what a person approves is the very element that is used, not whatever then answers to its name.
 */

export interface Control {
  /** Names the element until the document goes away. */
  ref: string;
  role: string;
  name: string;
  /** Where a link leads, or where a form is sent. */
  to?: string;
}

/** Empty where nothing is given: Chrome drops a `null` inside an argument on its way into the page. */
export type PageOperation =
  | { op: "links"; max: number }
  | { op: "controls"; max: number }
  | { op: "find"; ref: string; name: string; fillable: boolean }
  | { op: "fill"; origin: string; control: Control; value: string }
  | { op: "click"; origin: string; control: Control }
  | { op: "show"; text: string; ref: string; mark: boolean };

export type PageAnswer =
  | { ok: true; controls: Control[]; more: number }
  | { ok: true; control: Control; value?: string }
  | { ok: true }
  | { ok: false; why: string };

export function inPage(operation: PageOperation): PageAnswer {
  const world = globalThis as { __chanlElements?: Map<string, WeakRef<Element>> };
  const known = (world.__chanlElements ??= new Map());
  const fold = (text: string | null | undefined): string => (text ?? "").replace(/\s+/g, " ").trim();
  const refuse = (why: string): PageAnswer => ({ ok: false, why });

  const isField = (element: Element): boolean =>
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement ||
    (element instanceof HTMLInputElement && !/^(submit|button|image|reset|hidden|file)$/.test(element.type)) ||
    (element instanceof HTMLElement && element.isContentEditable);

  const nameOf = (element: Element): string => {
    const labelled = fold(element.getAttribute("aria-labelledby"))
      .split(" ")
      .map((id) => (id ? fold(element.ownerDocument.getElementById(id)?.textContent) : ""))
      .join(" ");
    const labels =
      "labels" in element ? [...((element as HTMLInputElement).labels ?? [])].map((label) => fold(label.innerText)).join(" ") : "";
    const own = element instanceof HTMLInputElement && /^(submit|button|reset)$/.test(element.type) ? element.value : "";
    const text = isField(element) ? "" : element instanceof HTMLElement ? element.innerText : element.textContent;
    const candidates = [
      labelled,
      element.getAttribute("aria-label"),
      labels,
      own,
      text,
      element.getAttribute("placeholder"),
      element.getAttribute("alt"),
      element.querySelector("img[alt]")?.getAttribute("alt"),
      element.getAttribute("title"),
      element.getAttribute("name"),
      element.id,
    ];
    return fold(candidates.find((candidate) => fold(candidate) !== "")).slice(0, 160);
  };
  const roleOf = (element: Element): string => {
    const role = fold(element.getAttribute("role")).split(" ")[0];
    if (role) return role.slice(0, 30);
    if (element instanceof HTMLAnchorElement) return "link";
    if (element instanceof HTMLSelectElement) return "list";
    if (element instanceof HTMLInputElement) return /^(submit|button|reset|image)$/.test(element.type) ? "button" : `${element.type} field`;
    if (isField(element)) return "text field";
    return element.tagName.toLowerCase() === "summary" ? "disclosure" : "button";
  };
  const destinationOf = (element: Element): string | undefined => {
    const link = element.closest("a[href]");
    if (link instanceof HTMLAnchorElement) return link.href.slice(0, 500);
    const isSubmit =
      (element instanceof HTMLButtonElement && element.type === "submit") ||
      (element instanceof HTMLInputElement && /^(submit|image)$/.test(element.type));
    const form = isSubmit ? (element as HTMLButtonElement).form : null;
    return form ? ((element as HTMLButtonElement).formAction || form.action).slice(0, 500) : undefined;
  };
  const refOf = (element: Element): string => {
    for (const [ref, held] of known) if (held.deref() === element) return ref;
    const ref = `e${known.size + 1}`;
    known.set(ref, new WeakRef(element));
    return ref;
  };
  const describe = (element: Element): Control => {
    const to = destinationOf(element);
    return { ref: refOf(element), role: roleOf(element), name: nameOf(element), ...(to === undefined ? {} : { to }) };
  };
  const isVisible = (element: Element): boolean =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;
  const query = (selector: string): Element[] => {
    const found: Element[] = [];
    const roots: (Document | ShadowRoot)[] = [document];
    for (let root = roots.pop(); root; root = roots.pop()) {
      for (const element of root.querySelectorAll("*")) {
        if (element.shadowRoot) roots.push(element.shadowRoot);
        if (element.matches(selector) && isVisible(element)) found.push(element);
      }
    }
    return found;
  };
  const CONTROLS =
    'a[href], button, input:not([type="hidden"]), textarea, select, summary, [role="button"], [role="link"], [role="tab"], [role="menuitem"], [role="checkbox"], [role="switch"], [role="option"], [contenteditable=""], [contenteditable="true"]';
  const find = (ref: string, name: string, fillable: boolean): Element | string => {
    if (ref !== "") {
      const element = known.get(ref)?.deref();
      return element?.isConnected ? element : `There is no element ${ref} on this page any more.`;
    }
    const asked = fold(name).toLowerCase();
    if (asked === "") return "Say which element, by its ref or by its name.";
    const candidates = query(CONTROLS).filter((element) => !fillable || isField(element));
    const exact = candidates.filter((element) => nameOf(element).toLowerCase() === asked);
    const matches = exact.length > 0 ? exact : candidates.filter((element) => nameOf(element).toLowerCase().includes(asked));
    if (matches.length === 1) return matches[0]!;
    if (matches.length === 0) return `Nothing on this page is called "${fold(name).slice(0, 80)}".`;
    return `${matches.length} elements are called that: ${matches
      .slice(0, 8)
      .map((element) => `${refOf(element)} (${roleOf(element)} "${nameOf(element)}")`)
      .join(", ")}. Use a ref.`;
  };
  /** Secrets and payment are the person's own to type. */
  const isPrivate = (element: Element): boolean =>
    element instanceof HTMLInputElement &&
    (/^(password|file|hidden)$/.test(element.type) || /\b(cc-|current-password|new-password|one-time-code)/.test(element.autocomplete));
  /** The element that was approved, if it is still what it was. */
  const approved = (origin: string, control: Control): Element | string => {
    if (location.origin !== origin) return "The page went to another site after it was approved.";
    const element = find(control.ref, "", false);
    if (typeof element === "string") return element;
    const { name, role, to } = describe(element);
    if (name !== control.name || role !== control.role || to !== control.to) return "The page changed this element after it was approved.";
    return isVisible(element) ? element : "This element is no longer visible.";
  };

  switch (operation.op) {
    case "links":
    case "controls": {
      const elements = query(operation.op === "links" ? "a[href]" : CONTROLS);
      const named = elements.map(describe).filter(({ name }) => name !== "");
      return { ok: true, controls: named.slice(0, operation.max), more: Math.max(0, named.length - operation.max) };
    }
    case "find": {
      const element = find(operation.ref, operation.name, operation.fillable);
      if (typeof element === "string") return refuse(element);
      if (operation.fillable && !isField(element)) return refuse("This element cannot be filled in.");
      if (operation.fillable && isPrivate(element)) return refuse("Passwords, codes, card numbers and files are the person's own to give.");
      return { ok: true, control: describe(element) };
    }
    case "fill": {
      const element = approved(operation.origin, operation.control);
      if (typeof element === "string") return refuse(element);
      if (isPrivate(element)) return refuse("Passwords, codes, card numbers and files are the person's own to give.");
      const { value } = operation;
      if (element instanceof HTMLElement) element.focus({ preventScroll: false });
      if (element instanceof HTMLSelectElement) {
        const option = [...element.options].find((each) => fold(each.text) === fold(value) || each.value === value);
        if (!option)
          return refuse(
            `There is no such choice. There are: ${[...element.options]
              .slice(0, 20)
              .map((each) => fold(each.text))
              .join(", ")}`,
          );
        element.value = option.value;
      } else if (element instanceof HTMLInputElement && /^(checkbox|radio)$/.test(element.type)) {
        if (element.checked !== /^(true|on|yes|1)$/i.test(value)) element.click();
        return { ok: true, control: describe(element), value: String(element.checked) };
      } else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
        // Past the setters that frameworks put on the element itself, as typing does.
        const prototype = element instanceof HTMLInputElement ? HTMLInputElement.prototype : HTMLTextAreaElement.prototype;
        Object.getOwnPropertyDescriptor(prototype, "value")?.set?.call(element, value);
      } else element.textContent = value;
      element.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, inputType: "insertText", data: value }));
      element.dispatchEvent(new Event("change", { bubbles: true }));
      return { ok: true, control: describe(element), value: "value" in element ? String(element.value) : (element.textContent ?? "") };
    }
    case "click": {
      const element = approved(operation.origin, operation.control);
      if (typeof element === "string") return refuse(element);
      if (element instanceof HTMLElement) {
        element.scrollIntoView({ block: "center", behavior: "instant" });
        element.click();
      }
      return { ok: true, control: operation.control };
    }
    case "show": {
      const { text, ref, mark } = operation;
      if (ref !== "") {
        const element = find(ref, "", false);
        if (typeof element === "string") return refuse(element);
        element.scrollIntoView({ block: "center", behavior: "instant" });
        return { ok: true };
      }
      const wanted = fold(text).toLowerCase();
      if (wanted === "") return refuse("Say which text.");
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      // The page's text, folded, with the node and offset of each character: a passage may run over several elements.
      let folded = "";
      const places: { node: Text; offset: number }[] = [];
      for (let node = walker.nextNode() as Text | null; node; node = walker.nextNode() as Text | null) {
        if (!node.parentElement || !isVisible(node.parentElement)) continue;
        for (let offset = 0; offset < node.data.length; offset++) {
          const isSpace = /\s/.test(node.data[offset]!);
          if (isSpace && (folded === "" || folded.endsWith(" "))) continue;
          const lower = isSpace ? " " : node.data[offset]!.toLowerCase();
          folded += lower.length === 1 ? lower : node.data[offset]!;
          places.push({ node, offset });
        }
        if (!folded.endsWith(" ")) {
          folded += " ";
          places.push({ node, offset: node.data.length - 1 });
        }
      }
      const at = folded.indexOf(wanted);
      const first = places[at];
      const last = places[at + wanted.length - 1];
      if (at === -1 || !first || !last) return refuse("This text is not on the page.");
      const range = document.createRange();
      range.setStart(first.node, first.offset);
      range.setEnd(last.node, last.offset + 1);
      first.node.parentElement?.scrollIntoView({ block: "center", behavior: "instant" });
      if (mark) CSS.highlights.set("chanl-chat", new Highlight(range));
      return { ok: true };
    }
  }
}
