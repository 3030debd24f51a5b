/**
 * JSON text in pieces → the value so far, after each piece: what a call's arguments look like while the model writes them.
 *
 * Cost is linear in the text, whatever the pieces: nothing is read twice. Parsing the text again after every piece is quadratic
 * (100 KB in pieces of four: 13 s with a repairing parser, milliseconds here).
 *
 * What a view shows is true and stays true:
 * - Strings only grow, arrays and objects only gain items. A later duplicate of a key replaces the earlier value, as in `JSON.parse`.
 * - A number or literal appears when something ends it: `12` may become `123`, and a cut-off amount must not be shown as one.
 * - Half a surrogate pair waits for the other half, so that no U+FFFD is painted; a lone one is kept when the string closes.
 * - The finished value is what `JSON.parse` gives, and text that `JSON.parse` rejects is never `complete`.
 *
 * There are three ways to read, by cost:
 * - `onDelta` gives the new piece of a string. A growing string is a rope inside the engine: code that reads all of it
 *   (`textContent`, `JSON.stringify`) after every piece makes the engine copy it every time, which took 90 s for 1 MB.
 * - `value` is the live tree. It changes in place; read it once per frame, when `version` moved.
 * - `snapshot()` never changes afterwards. It copies the containers that are still open, so its cost is their width.
 */
import { ChatError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../protocol/chunk.ts";

/**
 * - `empty` nothing but white space so far · `incomplete` a value has begun · `complete` exactly one whole value
 * - `invalid` no JSON, text after the value, or above a limit: `error` says where
 */
export type IncrementalJsonState = "empty" | "incomplete" | "complete" | "invalid";

/** Keys and indexes from the root to a value; `[]` is the root. */
export type JsonPath = readonly (string | number)[];

export interface IncrementalJsonError {
  readonly message: string;
  /** UTF-16 units before the one that is wrong. The same wherever the text was cut. */
  readonly position: number;
}

export interface IncrementalJsonOptions {
  /**
   * A string grew by `appended`. Every piece of one string comes with the same array as its path, and another string at the
   * same path (after a duplicate key) comes with another array. Must not throw.
   */
  onDelta?: ((path: JsonPath, appended: string) => void) | undefined;
  /** A value is whole: scalars, then the container around them. Must not throw. */
  onValue?: ((path: JsonPath, value: JsonValue) => void) | undefined;
  /**
   * Arrays and objects inside one another. Above it `push` throws `bad_frame`.
   * @defaultValue `512`
   */
  maxDepth?: number | undefined;
  /**
   * Longest text, in UTF-16 units. Above it `push` throws `event_too_large`.
   * @defaultValue `4_194_304`
   */
  maxLength?: number | undefined;
  /**
   * Take raw control characters in strings as they are, and record it in `repaired`. Some models write line ends unescaped.
   * @defaultValue `false`
   */
  tolerant?: boolean | undefined;
}

export interface IncrementalJsonResult {
  readonly state: IncrementalJsonState;
  /** The value so far: whole when `complete` or `trailing`, `undefined` when nothing can be shown. */
  readonly value: JsonValue | undefined;
  /** The value is whole, and more than white space follows it. The state is `invalid`; `text` has what followed. */
  readonly trailing?: true;
  readonly repaired?: true;
  /** Exactly when `invalid`. */
  readonly error?: IncrementalJsonError;
}

/** How much work was done, for tests. */
export interface IncrementalJsonCounters {
  /** Units of the text that were looked at. */
  readonly unitsScanned: number;
  /** Open arrays and objects copied into snapshots. */
  readonly containersCopied: number;
}

type Container = JsonValue[] | JsonObject;

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const SLASH = 47;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const COLON = 58;
const UPPER_E = 69;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const LOWER_A = 97;
const LOWER_B = 98;
const LOWER_E = 101;
const LOWER_F = 102;
const LOWER_N = 110;
const LOWER_R = 114;
const LOWER_T = 116;
const LOWER_U = 117;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

// What may come next, or what the end of the text is inside of.
const ROOT = 0;
const FIRST_ITEM = 1;
const VALUE = 2;
const FIRST_KEY = 3;
const KEY = 4;
const AFTER_KEY = 5;
const AFTER_VALUE = 6;
const DONE = 7;
const IN_STRING = 8;
const IN_KEY = 9;
const IN_NUMBER = 10;
const IN_LITERAL = 11;
const INVALID = 12;

// Inside a string: no escape, after its backslash, or so many hex digits of four.
const NO_ESCAPE = -2;
const ESCAPE = -1;

// Inside a number: after its sign, after a leading zero, and so on.
const SIGN = 0;
const ZERO = 1;
const INTEGER = 2;
const POINT = 3;
const FRACTION = 4;
const EXPONENT_MARK = 5;
const EXPONENT_SIGN = 6;
const EXPONENT = 7;

const LITERALS = new Map<number, { word: string; value: JsonValue }>([
  [LOWER_F, { word: "false", value: false }],
  [LOWER_N, { word: "null", value: null }],
  [LOWER_T, { word: "true", value: true }],
]);

const ESCAPES = new Map<number, string>([
  [QUOTE, '"'],
  [SLASH, "/"],
  [BACKSLASH, "\\"],
  [LOWER_B, "\b"],
  [LOWER_F, "\f"],
  [LOWER_N, "\n"],
  [LOWER_R, "\r"],
  [LOWER_T, "\t"],
]);

/** Where a run of plain text inside a string stops. The search is the engine's own: see `#runEnd`. */
// oxlint-disable-next-line no-control-regex -- raw control characters are what strict JSON forbids in strings
const STRING_STOP = /["\\\u0000-\u001f]/g;

/** Up to this many units a loop beats the call of a regular expression; prose in large pieces is 3× faster with both. */
const SHORT_RUN = 16;

export class IncrementalJson {
  readonly #onDelta: IncrementalJsonOptions["onDelta"];
  readonly #onValue: IncrementalJsonOptions["onValue"];
  readonly #maxDepth: number;
  readonly #maxLength: number;
  readonly #tolerant: boolean;

  #fragments: string[] = [];
  #length = 0;
  /** Units of the fragments before the one being read. */
  #before = 0;
  #mode = ROOT;

  #root: JsonValue | undefined = undefined;
  /** The containers that are open, from the root inwards. An explicit stack: depth costs no call stack. */
  readonly #open: Container[] = [];
  /** For each of them the key or index of the item it is at. */
  readonly #path: (string | number)[] = [];

  /** The string or key so far. Only ever appended to: looking inside would make the engine copy all of it. */
  #string = "";
  /** The path of the string, made once per string and only for callbacks. */
  #stringPath: JsonPath = [];
  /** The string has its place in the tree. */
  #placed = false;
  #escape = NO_ESCAPE;
  #hex = 0;
  /** A high surrogate that waits for what follows it, or `""`. */
  #held = "";

  #number = "";
  #numberState = SIGN;
  #literal: { word: string; value: JsonValue } = { word: "", value: null };
  #literalUnits = 0;

  #version = 0;
  #snapshot: JsonValue | undefined = undefined;
  #snapshotVersion = 0;
  #trailing = false;
  #repaired = false;
  #ended = false;
  #error: IncrementalJsonError | null = null;
  #limit: ChatError | null = null;
  #unitsScanned = 0;
  #containersCopied = 0;

  constructor(options: IncrementalJsonOptions = {}) {
    this.#onDelta = options.onDelta;
    this.#onValue = options.onValue;
    this.#maxDepth = options.maxDepth ?? 512;
    this.#maxLength = options.maxLength ?? 4_194_304;
    this.#tolerant = options.tolerant ?? false;
  }

  /** The live tree, `undefined` before it begins. It changes with every `push`: read it, do not keep or change it. */
  get value(): JsonValue | undefined {
    return this.#root;
  }

  /** Moves when `value` changed or a container in it closed, and only then. */
  get version(): number {
    return this.#version;
  }

  get state(): IncrementalJsonState {
    switch (this.#mode) {
      case ROOT:
        return "empty";
      case DONE:
        return "complete";
      case INVALID:
        return "invalid";
      default:
        return "incomplete";
    }
  }

  /** All text that came, whatever was made of it; without the piece that went above `maxLength`. Joined when it is asked for. */
  get text(): string {
    if (this.#fragments.length > 1) this.#fragments = [this.#fragments.join("")];
    return this.#fragments[0] ?? "";
  }

  /** Text other than white space followed the value. */
  get trailing(): boolean {
    return this.#trailing;
  }

  /** A string had raw control characters, which `tolerant` allowed. */
  get repaired(): boolean {
    return this.#repaired;
  }

  /** What is wrong, once `state` is `invalid`. */
  get error(): IncrementalJsonError | null {
    return this.#error;
  }

  get counters(): IncrementalJsonCounters {
    return { unitsScanned: this.#unitsScanned, containersCopied: this.#containersCopied };
  }

  /**
   * Takes the next piece of the text, cut anywhere. Text that is no JSON does not throw: `state` becomes `invalid`, the value
   * stays as it was, and later pieces are only added to `text`.
   * @throws ChatError `bad_frame` above `maxDepth`, `event_too_large` above `maxLength`; every later `push` throws it again.
   */
  push(text: string): void {
    if (this.#ended) throw new TypeError("IncrementalJson: push() after end(). One text needs one parser.");
    if (this.#limit) throw this.#limit;
    const length = text.length;
    if (length === 0) return;
    if (this.#length + length > this.#maxLength) {
      throw this.#refuse("event_too_large", `The JSON text is longer than ${this.#maxLength} units.`, this.#maxLength);
    }
    this.#fragments.push(text);
    this.#before = this.#length;
    this.#length += length;
    let at = 0;
    while (at < length) {
      switch (this.#mode) {
        case IN_STRING:
        case IN_KEY:
          at = this.#readString(text, at);
          break;
        case IN_NUMBER:
          at = this.#readNumber(text, at);
          break;
        case IN_LITERAL:
          at = this.#readLiteral(text, at);
          break;
        case INVALID:
          return;
        default: {
          const code = text.charCodeAt(at);
          this.#unitsScanned++;
          if (code === SPACE || code === LINE_FEED || code === CARRIAGE_RETURN || code === TAB) at++;
          else at = this.#readMark(text, at, code);
        }
      }
    }
  }

  /**
   * The text is over. This ends a number or literal that is the whole text; inside a container it stays out, because the text
   * was cut and nobody knows how it went on. A second call gives the same result.
   */
  end(): IncrementalJsonResult {
    if (!this.#ended) {
      this.#ended = true;
      if (this.#open.length === 0) {
        if (this.#mode === IN_NUMBER && isWholeNumber(this.#numberState)) this.#place(Number(this.#number));
        else if (this.#mode === IN_LITERAL && this.#literalUnits === this.#literal.word.length) this.#place(this.#literal.value);
      }
    }
    return {
      state: this.state,
      value: this.#root,
      ...(this.#trailing ? { trailing: true } : {}),
      ...(this.#repaired ? { repaired: true } : {}),
      ...(this.#error ? { error: this.#error } : {}),
    };
  }

  /**
   * The value so far as a tree that never changes afterwards. Containers that have closed are the same objects in every snapshot;
   * without a change the whole snapshot is. Its readers must not change it either.
   */
  snapshot(): JsonValue | undefined {
    if (this.#snapshotVersion === this.#version) return this.#snapshot;
    let inner: Container | undefined;
    for (let depth = this.#open.length - 1; depth >= 0; depth--) {
      const live = this.#open[depth]!;
      // Spread defines own keys, so that an own `__proto__` stays one.
      const copy: Container = Array.isArray(live) ? live.slice() : { ...live };
      this.#containersCopied++;
      if (inner) setItem(copy, this.#path[depth]!, inner);
      inner = copy;
    }
    this.#snapshot = inner ?? this.#root;
    this.#snapshotVersion = this.#version;
    return this.#snapshot;
  }

  /** Between values: a bracket, a comma, a colon, or the first unit of a value. */
  #readMark(text: string, at: number, code: number): number {
    const mode = this.#mode;
    switch (mode) {
      case AFTER_VALUE: {
        const inArray = Array.isArray(this.#open[this.#open.length - 1]);
        if (code === COMMA) {
          this.#mode = inArray ? VALUE : KEY;
          return at + 1;
        }
        if (code === (inArray ? CLOSE_BRACKET : CLOSE_BRACE)) return this.#close(at);
        return this.#fail(text, at);
      }
      case AFTER_KEY:
        if (code !== COLON) return this.#fail(text, at);
        this.#mode = VALUE;
        return at + 1;
      case FIRST_KEY:
      case KEY:
        if (code === QUOTE) {
          this.#mode = IN_KEY;
          return this.#readString(text, at + 1);
        }
        if (code === CLOSE_BRACE && mode === FIRST_KEY) return this.#close(at);
        return this.#fail(text, at);
      case DONE:
        this.#trailing = true;
        this.#stop(`There is text after the JSON value at position ${this.#before + at}.`, this.#before + at);
        return text.length;
      default:
        if (code === CLOSE_BRACKET && mode === FIRST_ITEM) return this.#close(at);
        return this.#beginValue(text, at, code);
    }
  }

  #beginValue(text: string, at: number, code: number): number {
    const depth = this.#open.length;
    const parent = this.#open[depth - 1];
    if (Array.isArray(parent)) this.#path[depth - 1] = parent.length;
    if (code === QUOTE) {
      this.#mode = IN_STRING;
      this.#placed = false;
      if (this.#onDelta) this.#stringPath = this.#path.slice();
      return this.#readString(text, at + 1);
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (depth >= this.#maxDepth) {
        throw this.#refuse("bad_frame", `The JSON is nested deeper than ${this.#maxDepth} levels.`, this.#before + at);
      }
      const container: Container = code === OPEN_BRACE ? {} : [];
      this.#set(container);
      this.#open.push(container);
      this.#path.push(code === OPEN_BRACE ? "" : 0);
      this.#mode = code === OPEN_BRACE ? FIRST_KEY : FIRST_ITEM;
      return at + 1;
    }
    if (code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9)) {
      this.#mode = IN_NUMBER;
      this.#number = text[at]!;
      this.#numberState = code === MINUS ? SIGN : code === DIGIT_0 ? ZERO : INTEGER;
      return at + 1;
    }
    const literal = LITERALS.get(code);
    if (!literal) return this.#fail(text, at);
    this.#mode = IN_LITERAL;
    this.#literal = literal;
    this.#literalUnits = 1;
    return at + 1;
  }

  #close(at: number): number {
    const container = this.#open.pop()!;
    this.#path.pop();
    // The same value, but from now on snapshots share it: without this the last copy would stay until the next change.
    this.#version++;
    this.#closed(container);
    return at + 1;
  }

  /** The rest of a string or key, or as much of it as there is. */
  #readString(text: string, from: number): number {
    const length = text.length;
    let piece = this.#held;
    let at = from;
    while (at < length) {
      if (this.#escape !== NO_ESCAPE) {
        const decoded = this.#readEscape(text.charCodeAt(at));
        if (decoded === null) {
          this.#append(piece, false);
          return this.#fail(text, at);
        }
        piece += decoded;
        at++;
        continue;
      }
      const end = this.#runEnd(text, at);
      if (end > at) piece += text.slice(at, end);
      if (end === length) break;
      at = end + 1;
      const code = text.charCodeAt(end);
      if (code === QUOTE) {
        this.#append(piece, true);
        return at;
      }
      if (code === BACKSLASH) this.#escape = ESCAPE;
      else if (this.#tolerant) {
        this.#repaired = true;
        piece += text[end]!;
      } else {
        this.#append(piece, false);
        return this.#fail(text, end);
      }
    }
    this.#append(piece, false);
    return length;
  }

  /** One unit of an escape → what it stands for: `""` until it is whole, `null` when it is none. */
  #readEscape(code: number): string | null {
    this.#unitsScanned++;
    if (this.#escape === ESCAPE) {
      if (code === LOWER_U) {
        this.#escape = 0;
        this.#hex = 0;
        return "";
      }
      const plain = ESCAPES.get(code);
      if (plain === undefined) return null;
      this.#escape = NO_ESCAPE;
      return plain;
    }
    const digit = hexDigit(code);
    if (digit === -1) return null;
    this.#hex = this.#hex * 16 + digit;
    this.#escape++;
    if (this.#escape < 4) return "";
    this.#escape = NO_ESCAPE;
    return String.fromCharCode(this.#hex);
  }

  /**
   * The next unit at or after `at` that is not plain text, or the end of the piece. Short runs are the rule with pieces of a few
   * units, and there a loop is faster than any call; long ones are left to the engine.
   */
  #runEnd(text: string, at: number): number {
    const length = text.length;
    const near = Math.min(length, at + SHORT_RUN);
    let end = at;
    while (end < near && !isStop(text.charCodeAt(end))) end++;
    if (end === near && end < length) {
      STRING_STOP.lastIndex = end;
      end = STRING_STOP.test(text) ? STRING_STOP.lastIndex - 1 : length;
    }
    this.#unitsScanned += end - at + 1;
    return end;
  }

  #append(decoded: string, closes: boolean): void {
    if (this.#mode === IN_KEY) {
      // A key is shown when it is whole: half of it would be another key.
      this.#string += decoded;
      if (!closes) return;
      this.#path[this.#path.length - 1] = this.#string;
      this.#string = "";
      this.#mode = AFTER_KEY;
      return;
    }
    let piece = decoded;
    this.#held = "";
    if (!closes && isHighSurrogate(piece.charCodeAt(piece.length - 1))) {
      this.#held = piece.slice(-1);
      piece = piece.slice(0, -1);
    }
    if (piece !== "" || !this.#placed) {
      this.#string = this.#placed ? this.#string + piece : piece;
      this.#placed = true;
      this.#set(this.#string);
      if (piece !== "") this.#onDelta?.(this.#stringPath, piece);
    }
    if (closes) {
      const value = this.#string;
      this.#string = "";
      this.#closed(value);
    }
  }

  #readNumber(text: string, from: number): number {
    const length = text.length;
    let state = this.#numberState;
    let at = from;
    for (; at < length; at++) {
      const next = nextNumberState(state, text.charCodeAt(at));
      if (next === -1) break;
      state = next;
    }
    this.#unitsScanned += at - from + 1;
    this.#numberState = state;
    this.#number += text.slice(from, at);
    if (at === length) return at;
    if (!isWholeNumber(state) || !isDelimiter(text.charCodeAt(at))) return this.#fail(text, at);
    this.#place(Number(this.#number));
    return at;
  }

  #readLiteral(text: string, from: number): number {
    const { word, value } = this.#literal;
    let at = from;
    for (; at < text.length; at++) {
      this.#unitsScanned++;
      const code = text.charCodeAt(at);
      if (this.#literalUnits === word.length) {
        if (!isDelimiter(code)) return this.#fail(text, at);
        this.#place(value);
        return at;
      }
      if (code !== word.charCodeAt(this.#literalUnits)) return this.#fail(text, at);
      this.#literalUnits++;
    }
    return at;
  }

  /** A number or literal is whole. */
  #place(value: JsonValue): void {
    this.#set(value);
    this.#closed(value);
  }

  #set(value: JsonValue): void {
    this.#version++;
    const inner = this.#open.length - 1;
    if (inner === -1) this.#root = value;
    else setItem(this.#open[inner]!, this.#path[inner]!, value);
  }

  #closed(value: JsonValue): void {
    this.#mode = this.#open.length === 0 ? DONE : AFTER_VALUE;
    this.#onValue?.(this.#path.slice(), value);
  }

  #fail(text: string, at: number): number {
    const position = this.#before + at;
    this.#stop(`Unexpected ${JSON.stringify(text[at])} in JSON at position ${position}.`, position);
    return text.length;
  }

  #stop(message: string, position: number): void {
    this.#mode = INVALID;
    this.#error = { message, position };
  }

  #refuse(code: "bad_frame" | "event_too_large", message: string, position: number): ChatError {
    this.#stop(message, position);
    return (this.#limit = new ChatError(code, message));
  }
}

function isStop(code: number): boolean {
  return code === QUOTE || code === BACKSLASH || code < SPACE;
}

function isDelimiter(code: number): boolean {
  switch (code) {
    case SPACE:
    case LINE_FEED:
    case CARRIAGE_RETURN:
    case TAB:
    case COMMA:
    case CLOSE_BRACKET:
    case CLOSE_BRACE:
      return true;
    default:
      return false;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function hexDigit(code: number): number {
  if (code >= DIGIT_0 && code <= DIGIT_9) return code - DIGIT_0;
  // The bit that tells lower from upper case.
  const lower = code | 32;
  return lower >= LOWER_A && lower <= LOWER_F ? lower - LOWER_A + 10 : -1;
}

/** The grammar of numbers, one unit at a time; -1 when the unit cannot follow. */
function nextNumberState(state: number, code: number): number {
  if (code >= DIGIT_0 && code <= DIGIT_9) {
    switch (state) {
      case SIGN:
        return code === DIGIT_0 ? ZERO : INTEGER;
      case ZERO:
        return -1;
      case POINT:
        return FRACTION;
      case EXPONENT_MARK:
      case EXPONENT_SIGN:
        return EXPONENT;
      default:
        return state;
    }
  }
  if (code === DOT) return state === ZERO || state === INTEGER ? POINT : -1;
  if (code === LOWER_E || code === UPPER_E) return state === ZERO || state === INTEGER || state === FRACTION ? EXPONENT_MARK : -1;
  if (code === PLUS || code === MINUS) return state === EXPONENT_MARK ? EXPONENT_SIGN : -1;
  return -1;
}

function isWholeNumber(state: number): boolean {
  return state === ZERO || state === INTEGER || state === FRACTION || state === EXPONENT;
}

function setItem(container: Container, key: string | number, value: JsonValue): void {
  if (Array.isArray(container)) container[key as number] = value;
  else if (key in Object.prototype) {
    // Assigning to `__proto__` would change the prototype, and to an inherited name throws where `Object.prototype` is frozen.
    Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
  } else container[key] = value;
}
