import { blockValue, doubleQuoted, foldLines, singleQuoted } from './plain-scalar';

/** Told to nobody: the whole text is read again by a reader that knows what to say. */
export class NotPlain extends Error {}

/** As in `yaml-scan`, which finds the words for it. */
export const indentColumnsMax = 100;

export const sign = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  doubleQuote: 0x22,
  hash: 0x23,
  singleQuote: 0x27,
  comma: 0x2c,
  dash: 0x2d,
  colon: 0x3a,
  greater: 0x3e,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  pipe: 0x7c,
  closeBrace: 0x7d,
} as const;

/** What no text without quotes begins with, or not in every place. */
const isIndicator = tableOf('-?:,[]{}#&*!|>\'"%@`');
/** What ends such text inside of brackets. */
const isFlowSign = tableOf(',[]{}');
/** Where it may end, or what makes it no plain text. */
const isStop = tableOf('\t\n\r:#,[]{}');

function tableOf(signs: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const one of signs) table[one.charCodeAt(0)] = 1;
  return table;
}

/** The place of a reader in a text, and what it reads word by word. Throws `NotPlain`. */
export class PlainCursor {
  readonly #text: string;
  readonly #lexemesMax: number;
  #at = 0;
  /** Counted as the other reader's lexer does, because the limit is one. */
  #lexemes = 0;
  #column = 0;

  constructor(text: string, { lexemesMax }: { lexemesMax: number }) {
    this.#text = text;
    this.#lexemesMax = lexemesMax;
  }

  get at(): number {
    return this.#at;
  }

  /** Of the content to which `toContent` or `endLine` came; -1 at the end of the text. */
  get column(): number {
    return this.#column;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The UTF-16 unit that comes next; NaN at the end. */
  get next(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** `-` or `:` that is one of structure. */
  isMark(mark: number, offset = this.#at): boolean {
    return this.#text.charCodeAt(offset) === mark && this.#isEmptyAt(offset + 1);
  }

  take(length: number): void {
    this.#at += length;
    this.#lexemes += 1;
    if (this.#lexemes > this.#lexemesMax) throw new NotPlain();
  }

  /** Returns how many there were. */
  spaces(): number {
    let end = this.#at;
    while (this.#text.charCodeAt(end) === sign.space) end += 1;
    const count = end - this.#at;
    if (count > 0) this.take(count);
    return count;
  }

  /** At the start of a line: over empty lines and comments to the next content. */
  toContent(): void {
    let column = this.spaces();
    while (this.#comment() || this.lineEnd()) column = this.spaces();
    const isEnd = this.atEnd;
    if (!isEnd && column > indentColumnsMax) throw new NotPlain();
    this.#column = isEnd ? -1 : column;
  }

  /** After a value and spaces: nothing more in its line but a comment; then to the next content. */
  endLine(spaces: number): void {
    if (spaces > 0) this.#comment();
    if (!this.lineEnd() && !this.atEnd) throw new NotPlain();
    this.toContent();
  }

  /** Between words in brackets, whose lines stand further in than `column`; the last bracket may stand there. */
  flowSpace(column: number, isOutermost: boolean): void {
    let width = this.spaces();
    let isFirstLine = true;
    while (((width > 0 || !isFirstLine) && this.#comment()) || this.lineEnd()) {
      width = this.spaces();
      isFirstLine = false;
    }
    if (isFirstLine) return;
    const isClosing = isOutermost && (this.next === sign.closeBrace || this.next === sign.closeBracket);
    if (width <= column && !(isClosing && width === column)) throw new NotPlain();
  }

  #comment(): boolean {
    if (this.next !== sign.hash) return false;
    this.take(this.#endOfLine(this.#at) - this.#at);
    return true;
  }

  lineEnd(): boolean {
    const next = this.next;
    if (next === sign.lineFeed) this.take(1);
    else if (next === sign.carriageReturn) this.take(2);
    else return false;
    return true;
  }

  /** Whether text with a colon behind it comes next, which is a key. */
  isKey(): boolean {
    const { next } = this;
    if (next === sign.doubleQuote || next === sign.singleQuote) return this.isMark(sign.colon, this.#quoteEnd() + 1);
    return isIndicator[next] !== 1 && this.#text.charCodeAt(this.#plainStop(this.#at, false)) === sign.colon;
  }

  /** Text without quotes, as far as it goes in this line. */
  plain(inFlow: boolean): string {
    const start = this.#plainStart(inFlow);
    const end = this.#withoutSpaces(this.#plainStop(start, inFlow));
    if (end <= start) throw new NotPlain();
    this.take(end - start);
    return this.#text.slice(start, end);
  }

  /** Text without quotes outside of brackets, with the lines below that stand further in than `column`. */
  plainLines(column: number): string {
    const start = this.#plainStart(false);
    let stop = this.#plainStop(start, false);
    let end = this.#withoutSpaces(stop);
    while (this.#isLineEnd(stop)) {
      const line = this.#lineFrom(stop);
      if (line.width <= column || this.#text.charCodeAt(line.start) === sign.hash) break;
      stop = this.#plainStop(line.start, false);
      end = this.#withoutSpaces(stop);
    }
    if (end <= start || this.#text.charCodeAt(stop) === sign.colon) throw new NotPlain();
    this.take(end - start);
    return foldLines(this.#text.slice(start, end));
  }

  /** Text in quotes. Further lines stand further in than `column`; without one there are none. */
  quoted(column: number | undefined): string {
    const start = this.#at;
    const end = this.#quoteEnd();
    const source = this.#text.slice(start + 1, end);
    if (source.includes('\n')) this.#checkLines(start, end, column ?? Infinity);
    const value = this.next === sign.singleQuote ? singleQuoted(source) : doubleQuoted(source);
    if (value === undefined) throw new NotPlain();
    this.take(end + 1 - start);
    return value;
  }

  /** With all its lines, which stand further in than `column`. No marks of indentation, and no kept empty lines at its end. */
  blockScalar(column: number): string {
    const folded = this.next === sign.greater;
    const stripped = this.#text.charCodeAt(this.#at + 1) === sign.dash;
    this.take(stripped ? 2 : 1);
    if (this.spaces() > 0) this.#comment();
    if (!this.lineEnd()) throw new NotPlain();
    const { lines, end } = this.#blockLines(column);
    const value = blockValue(lines, { folded, stripped });
    if (value === undefined) throw new NotPlain();
    this.take(end - this.#at);
    return value;
  }

  #blockLines(column: number): { lines: string[]; end: number } {
    const lines: string[] = [];
    let indent = 0;
    let empty = 0;
    let emptyWidthMax = 0;
    let end = this.#at;
    for (let at = this.#at; at < this.#text.length;) {
      const lineEnd = this.#endOfLine(at);
      const start = this.#afterSpaces(at);
      const width = start - at;
      if (start >= lineEnd) {
        empty += 1;
        emptyWidthMax = Math.max(emptyWidthMax, width);
      } else {
        if (indent === 0) indent = width > column ? width : -1;
        if (width < indent || indent === -1) break;
        for (; empty > 0; empty -= 1) lines.push('');
        lines.push(this.#text.slice(at + indent, lineEnd));
      }
      at = this.#afterLineEnd(lineEnd);
      if (empty === 0) end = at;
    }
    const isPlain = lines.length > 0 && emptyWidthMax <= indent && !lines.some((line) => line.includes('\t'));
    if (!isPlain) throw new NotPlain();
    return { lines, end };
  }

  #checkLines(start: number, end: number, column: number): void {
    for (let at = this.#endOfLine(start); at < end; at = this.#endOfLine(at)) {
      const line = this.#lineFrom(at);
      if (line.width <= column) throw new NotPlain();
      at = line.start;
    }
    if (this.#text.slice(start, end).includes('\t')) throw new NotPlain();
  }

  /** The first line with content below the one that ends at an offset: where its content begins, and in which column. */
  #lineFrom(lineEnd: number): { start: number; width: number } {
    let line = lineEnd;
    let start = lineEnd;
    while (this.#isLineEnd(start)) {
      line = this.#afterLineEnd(start);
      start = this.#afterSpaces(line);
    }
    return { start, width: start < this.#text.length ? start - line : -1 };
  }

  #plainStart(inFlow: boolean): number {
    const { next } = this;
    if (isIndicator[next] !== 1) return this.#at;
    const after = this.#text.charCodeAt(this.#at + 1);
    const isText = next === sign.dash && !this.#isEmptyAt(this.#at + 1) && !(inFlow && isFlowSign[after] === 1);
    if (!isText) throw new NotPlain();
    return this.#at;
  }

  /** Where text without quotes ends: at the end of its line, a comment, or a sign of structure. */
  #plainStop(start: number, inFlow: boolean): number {
    for (let at = start; ; at += 1) {
      const one = this.#text.charCodeAt(at);
      if (isStop[one] !== 1) {
        if (at >= this.#text.length) return at;
        continue;
      }
      if (one === sign.tab) throw new NotPlain();
      if (one === sign.lineFeed || one === sign.carriageReturn) return at;
      if (one === sign.hash) {
        if (this.#text.charCodeAt(at - 1) === sign.space) return at;
      } else if (one === sign.colon) {
        if (this.#isEmptyAt(at + 1) || (inFlow && isFlowSign[this.#text.charCodeAt(at + 1)] === 1)) return at;
      } else if (inFlow) {
        return at;
      }
    }
  }

  /** Of the quotes that begin here. */
  #quoteEnd(): number {
    const isSingle = this.next === sign.singleQuote;
    const quote = isSingle ? "'" : '"';
    for (let end = this.#text.indexOf(quote, this.#at + 1); end !== -1; end = this.#text.indexOf(quote, end + 1)) {
      if (isSingle && this.#text.charCodeAt(end + 1) === sign.singleQuote) end += 1;
      else if (isSingle || !this.#isEscaped(end)) return end;
    }
    throw new NotPlain();
  }

  #isEscaped(offset: number): boolean {
    let before = offset - 1;
    while (this.#text.charCodeAt(before) === sign.backslash) before -= 1;
    return (offset - before) % 2 === 0;
  }

  /** The end of the text is empty, too. */
  #isEmptyAt(offset: number): boolean {
    const one = this.#text.charCodeAt(offset);
    return one === sign.space || one === sign.tab || this.#isLineEnd(offset) || offset >= this.#text.length;
  }

  #isLineEnd(offset: number): boolean {
    const one = this.#text.charCodeAt(offset);
    return one === sign.lineFeed || one === sign.carriageReturn;
  }

  #endOfLine(offset: number): number {
    const end = this.#text.indexOf('\n', offset);
    if (end === -1) return this.#text.length;
    return this.#text.charCodeAt(end - 1) === sign.carriageReturn ? end - 1 : end;
  }

  #afterLineEnd(offset: number): number {
    return offset + (this.#text.charCodeAt(offset) === sign.carriageReturn ? 2 : 1);
  }

  #afterSpaces(offset: number): number {
    let end = offset;
    while (this.#text.charCodeAt(end) === sign.space) end += 1;
    return end;
  }

  #withoutSpaces(end: number): number {
    let start = end;
    while (this.#text.charCodeAt(start - 1) === sign.space) start -= 1;
    return start;
  }
}
