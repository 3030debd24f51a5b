/**
 * Character references (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references).
 *
 * The HTML5 list has 2,125 names and weighs about 12 KB gzip, nearly as much as this whole renderer. This closed set holds the
 * 252 names of HTML 4 (what people and models write), ASCII punctuation, the accented letters up to Latin Extended-A, a dozen
 * signs, and the rare names the specification's own example uses. An unknown name stays as it was written, which is always safe:
 * no decoded text is ever read as HTML. Numeric references are complete.
 */

/** Names in the order of their code points; a number in front is how many were left out. With "_" begin the accents. */
const PACKED =
  "9Tab NewLine 22excl quot num dollar percnt amp apos lpar rpar ast plus comma 1period sol 10colon semi lt equals gt quest commat " +
  "26lsqb bsol rsqb Hat lowbar grave 26lcub vert rcub 34nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy " +
  "reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest 6AElig 9ETH 6times " +
  "Oslash 5THORN szlig 6aelig 9eth 6divide oslash 5thorn 50inodot 15Lstrok lstrok 15OElig oelig 62fnof 307circ 21tilde 35_grave " +
  "_acute _circ _tilde _macr 1_breve _dot _uml 1_ring _dblac _caron 26_cedil _ogon 104Alpha Beta Gamma Delta Epsilon Zeta Eta Theta " +
  "Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho 1Sigma Tau Upsilon Phi Chi Psi Omega 7alpha beta gamma delta epsilon zeta eta theta " +
  "iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega 7thetasym upsih 3piv 7211ensp emsp 3numsp " +
  "puncsp thinsp hairsp 1zwnj zwj lrm rlm hyphen 2ndash mdash 3lsquo rsquo sbquo 1ldquo rdquo bdquo 1dagger Dagger bull 3hellip " +
  "9permil 1prime Prime 5lsaquo rsaquo 3oline 5frasl 103euro 94HilbertSpace 5image 6weierp 3real 5trade 18alefsym 16DifferentialD " +
  "73larr uarr rarr darr harr 17mapsto 14crarr 26lArr uArr rArr dArr hArr 43forall 1part exist 1empty 1nabla isin notin 1ni 3prod " +
  "1sum minus 3setminus lowast 2radic 2prop infin 1ang 6and or cap cup int 6ClockwiseContourIntegral 1there4 7sim 8cong 2asymp 23ne " +
  "equiv 2le ge 28sub sup nsub 1sube supe 13oplus 1otimes 12top perp 31sdot 66lceil rceil lfloor rfloor 279blank 422loz 59star " +
  "7phone 81spades 2clubs 1hearts diams 172check 3cross 208lang rang";

const NAMES = new Map<string, string>();
let code = 0;
for (const [, gap, name = ""] of PACKED.matchAll(/(\d*)(\w+)/g)) {
  code += Number(gap);
  NAMES.set(name, String.fromCodePoint(code++));
}
// The one name of the specification's example that stands for two code points.
NAMES.set("ngE", "\u2267\u0338");

/** Accented letters follow a rule: `&Dcaron;` is D with U+030C. Only where that makes one character of Latin-1 or Extended-A. */
function accented(name: string): string | undefined {
  const character = (name.charAt(0) + NAMES.get(`_${name.slice(1)}`)).normalize("NFC");
  return character > "\u007F" && character < "\u0180" ? character : undefined;
}

const ENTITY = /&(?:#(x[\da-f]{1,6}|\d{1,7})|([a-z]\w{1,31}));/iy;

export interface Entity {
  text: string;
  /** Offset after the `;`. */
  end: number;
}

/** The character reference at `offset` of `source`, or null when there is none that we know. */
export function readEntity(source: string, offset: number): Entity | null {
  ENTITY.lastIndex = offset;
  const [, number, name = ""] = ENTITY.exec(source) ?? [];
  // Hexadecimal digits come with their "x": "0x2f" and "047" are both what `Number` reads.
  const text = number ? fromNumber(Number(`0${number}`)) : (NAMES.get(name) ?? accented(name));
  return text === undefined ? null : { text, end: ENTITY.lastIndex };
}

/** NUL, surrogates (0xD800 to 0xDFFF) and what lies beyond Unicode become U+FFFD. */
function fromNumber(number: number): string {
  return String.fromCodePoint(number > 0 && number <= 0x10_ff_ff && number >> 11 !== 0x1b ? number : 0xff_fd);
}

const ESCAPE_OR_ENTITY = /\\([!-/:-@[-`{-~])|&[#\w]{2,33};/g;

/** Resolves backslash escapes and character references, as destinations, titles and info strings want it. */
export function unescapeText(source: string): string {
  if (!/[\\&]/.test(source)) return source;
  return source.replace(ESCAPE_OR_ENTITY, (all: string, escaped: string | undefined) => escaped ?? readEntity(all, 0)?.text ?? all);
}
