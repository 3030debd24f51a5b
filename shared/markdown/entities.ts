/**
 * Character references (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references).
 *
 * The HTML5 list has 2,125 names and weighs about 12 KB gzip, more than this whole parser. This closed set holds the 252
 * names of HTML 4 (what people and models write), ASCII punctuation, the accented letters up to Latin Extended-A, a dozen
 * signs, and the rare names the specification's own example uses. An unknown name stays as it was written, which is always safe:
 * no decoded text is ever read as HTML. Numeric references are complete.
 */

/** Runs of consecutive code points: a hexadecimal start, then names. */
const RUNS =
  "09 Tab NewLine 021 excl quot num dollar percnt amp apos lpar rpar ast plus comma 02e period sol 03a colon semi lt equals gt quest " +
  "commat 05b lsqb bsol rsqb Hat lowbar grave 07b lcub vert rcub 0a0 nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo " +
  "not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest 0c6 AElig 0d0 ETH " +
  "0d7 times Oslash 0de THORN szlig 0e6 aelig 0f0 eth 0f7 divide oslash 0fe thorn 0131 inodot 0141 Lstrok lstrok 0152 OElig oelig " +
  "0192 fnof 02c6 circ 02dc tilde 0391 Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho 03a3 " +
  "Sigma Tau Upsilon Phi Chi Psi Omega 03b1 alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho " +
  "sigmaf sigma tau upsilon phi chi psi omega 03d1 thetasym upsih 03d6 piv 02002 ensp emsp 02007 numsp puncsp thinsp hairsp 0200c " +
  "zwnj zwj lrm rlm hyphen 02013 ndash mdash 02018 lsquo rsquo sbquo 0201c ldquo rdquo bdquo 02020 dagger Dagger bull 02026 hellip " +
  "02030 permil 02032 prime Prime 02039 lsaquo rsaquo 0203e oline 02044 frasl 020ac euro 0210b HilbertSpace 02111 image 02118 weierp " +
  "0211c real 02122 trade 02135 alefsym 02146 DifferentialD 02190 larr uarr rarr darr harr 021a6 mapsto 021b5 crarr 021d0 lArr uArr " +
  "rArr dArr hArr 02200 forall 02202 part exist 02205 empty 02207 nabla isin notin 0220b ni 0220f prod 02211 sum minus 02216 setminus " +
  "lowast 0221a radic 0221d prop infin 02220 ang 02227 and or cap cup int 02232 ClockwiseContourIntegral 02234 there4 0223c sim 02245 " +
  "cong 02248 asymp 02260 ne equiv 02264 le ge 02282 sub sup nsub 02286 sube supe 02295 oplus 02297 otimes 022a4 top perp 022c5 sdot " +
  "02308 lceil rceil lfloor rfloor 02423 blank 025ca loz 02606 star 0260e phone 02660 spades 02663 clubs 02665 hearts diams 02713 " +
  "check 02717 cross 027e8 lang rang";

const NAMES = new Map<string, string>();
let next = 0;
for (const word of RUNS.split(" ")) {
  // Every start is written with a leading "0", which no entity name has.
  if (word.startsWith("0")) next = Number.parseInt(word, 16);
  else NAMES.set(word, String.fromCodePoint(next++));
}
// The one name of the specification's example that stands for two code points.
NAMES.set("ngE", "\u2267\u0338");

/** Accented letters follow a rule: `&Dcaron;` is D with U+030C. Only where that makes one character of Latin-1 or Extended-A. */
const ACCENTED = /^([A-Za-z])(grave|acute|circ|tilde|macr|breve|dot|uml|ring|dblac|caron|cedil|ogon)$/;
const ACCENTS: Readonly<Record<string, string>> = {
  grave: "\u0300",
  acute: "\u0301",
  circ: "\u0302",
  tilde: "\u0303",
  macr: "\u0304",
  breve: "\u0306",
  dot: "\u0307",
  uml: "\u0308",
  ring: "\u030A",
  dblac: "\u030B",
  caron: "\u030C",
  cedil: "\u0327",
  ogon: "\u0328",
};

function accented(name: string): string | undefined {
  const [, letter = "", accent = ""] = ACCENTED.exec(name) ?? [];
  const character = (letter + (ACCENTS[accent] ?? "")).normalize("NFC");
  return character > "\u007F" && character < "\u0180" ? character : undefined;
}

const ENTITY = /&(?:#[xX]([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-zA-Z][a-zA-Z0-9]{1,31}));/y;

export interface Entity {
  text: string;
  /** Offset after the `;`. */
  end: number;
}

/** The character reference at `offset` of `source`, or null when there is none that we know. */
export function readEntity(source: string, offset: number): Entity | null {
  ENTITY.lastIndex = offset;
  const match = ENTITY.exec(source);
  if (!match) return null;
  const [, hex, decimal, name] = match;
  const text =
    name === undefined ? fromNumber(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)) : (NAMES.get(name) ?? accented(name));
  return text === undefined ? null : { text, end: ENTITY.lastIndex };
}

/** NUL, surrogates and what lies beyond Unicode become U+FFFD. */
function fromNumber(code: number): string {
  const valid = code > 0 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff);
  return valid ? String.fromCodePoint(code) : "\u{FFFD}";
}

const ESCAPE_OR_ENTITY = /\\([!-/:-@[-`{-~])|&[a-zA-Z0-9#]{2,33};/g;

/** Resolves backslash escapes and character references, as destinations, titles and info strings want it. */
export function unescapeText(source: string): string {
  if (!/[\\&]/.test(source)) return source;
  return source.replace(ESCAPE_OR_ENTITY, (all: string, escaped: string | undefined) => escaped ?? readEntity(all, 0)?.text ?? all);
}
