import { indentColumnsMax, NotPlain, PlainCursor, sign } from './plain-cursor';
import { plainValue } from './plain-scalar';
import type { PlanPath } from './plan-path';
import { BareMap, reservedKeys } from './yaml-tree';
import type { YamlTree } from './yaml-tree';

/** What stands at one place. One shape for all, because there are tens of thousands in a large plan. */
interface PlainNode {
  readonly offset: number;
  readonly value: unknown;
  /** Of a map and a list, in the order of the text. */
  readonly inner: readonly PlainNode[] | undefined;
  /** Of a map: the key of each inner node, and its offset. */
  readonly keys: readonly string[] | undefined;
  readonly keyOffsets: readonly number[] | undefined;
}

/** As in `yaml-scan`, which finds the words for it. */
const bracketsMax = 20;
/** YAML 1.2 section 7.4: at most 1024 up to the colon. */
const keyLengthMax = 1_000;

/**
 * Reads the YAML that dialplans are written in: block and flow collections, text with and without quotes, block scalars and
 * comments, in linear time. Undefined for all else, which may still be YAML: anchors, tags, several documents, tabs, empty
 * values, and whatever is wrong. What it reads is what `readFullYaml` reads, without a fault and at the same places.
 */
export function readPlainYaml(text: string, limits: { lexemesMax: number }): YamlTree | undefined {
  if (text.includes('\ufeff') || (text.includes('\r') && /\r(?!\n)/.test(text))) return undefined;
  try {
    const node = new PlainReader(text, limits).read();
    return { root: node.value, offsetOf: (path, at) => offsetIn(node, path, at) };
  } catch (cause) {
    if (cause instanceof NotPlain) return undefined;
    throw cause;
  }
}

function offsetIn(root: PlainNode, path: PlanPath, at: 'key' | 'value'): number {
  let { offset } = root;
  let node = root;
  for (const [index, segment] of path.entries()) {
    const { keys, keyOffsets, inner } = node;
    if (inner === undefined) return offset;
    const place = keys === undefined ? segment : keys.indexOf(segment as string);
    const found = typeof place === 'number' ? inner[place] : undefined;
    if (found === undefined) return offset;
    node = found;
    const isKey = at === 'key' && index === path.length - 1 && keyOffsets !== undefined;
    offset = (isKey ? keyOffsets[Number(place)] : undefined) ?? node.offset;
  }
  return offset;
}

/** Where a flow collection stands: below which key, in how many brackets, and in a block of which column. */
interface FlowPlace {
  readonly column: number;
  readonly depth: number;
  readonly key: string;
}

/** Each part leaves off at the first sign of what comes next. Throws `NotPlain`. */
class PlainReader {
  readonly #cursor: PlainCursor;

  constructor(text: string, limits: { lexemesMax: number }) {
    this.#cursor = new PlainCursor(text, limits);
  }

  read(): PlainNode {
    const cursor = this.#cursor;
    cursor.toContent();
    if (cursor.column !== 0) throw new NotPlain();
    const node = this.#blockMap(0);
    if (!cursor.atEnd) throw new NotPlain();
    return node;
  }

  #blockMap(column: number): PlainNode {
    const cursor = this.#cursor;
    const offset = cursor.at;
    const map = new BareMap();
    const keys: string[] = [];
    const keyOffsets: number[] = [];
    const inner: PlainNode[] = [];
    do {
      keyOffsets.push(cursor.at);
      const key = this.#key(map, false);
      const node = this.#blockEntry({ column, key, isInMap: true });
      keys.push(key);
      inner.push(node);
      map[key] = node.value;
    } while (cursor.column === column);
    if (cursor.column > column) throw new NotPlain();
    return { offset, value: map, inner, keys, keyOffsets };
  }

  #blockList(column: number, key: string): PlainNode {
    const cursor = this.#cursor;
    const offset = cursor.at;
    const list: unknown[] = [];
    const inner: PlainNode[] = [];
    do {
      cursor.take(1);
      const node = this.#blockEntry({ column, key, isInMap: false });
      inner.push(node);
      list.push(node.value);
    } while (cursor.column === column && cursor.isMark(sign.dash));
    if (cursor.column > column) throw new NotPlain();
    return { offset, value: list, inner, keys: undefined, keyOffsets: undefined };
  }

  /** What stands after `key:` or `-`, whose column is given, up to the next content. */
  #blockEntry({ column, key, isInMap }: { column: number; key: string; isInMap: boolean }): PlainNode {
    const cursor = this.#cursor;
    const spaces = cursor.spaces();
    const { at: offset, next } = cursor;
    if (!isInMap && column + spaces >= indentColumnsMax) throw new NotPlain();
    if (next === sign.lineFeed || next === sign.carriageReturn || next === sign.hash) {
      cursor.endLine(spaces);
      const isList = cursor.isMark(sign.dash);
      // A list in a map may stand in the column of its key.
      const isBelow = cursor.column > column || (cursor.column === column && isInMap && isList);
      if (!isBelow) throw new NotPlain();
      return isList ? this.#blockList(cursor.column, key) : this.#blockMap(cursor.column);
    }
    if (!isInMap && cursor.isKey()) return this.#blockMap(column + 1 + spaces);
    if (next === sign.pipe || next === sign.greater) {
      const node = leaf(offset, cursor.blockScalar(column));
      cursor.toContent();
      return node;
    }
    const node = this.#lineValue(column, key);
    cursor.endLine(cursor.spaces());
    return node;
  }

  #lineValue(column: number, key: string): PlainNode {
    const cursor = this.#cursor;
    const { at: offset, next } = cursor;
    if (next === sign.doubleQuote || next === sign.singleQuote) return leaf(offset, cursor.quoted(column));
    if (next === sign.openBrace || next === sign.openBracket) return this.#flow({ column, depth: 1, key });
    return leaf(offset, plainValue(cursor.plainLines(column), key));
  }

  #flow(place: FlowPlace): PlainNode {
    if (place.depth > bracketsMax) throw new NotPlain();
    return this.#cursor.next === sign.openBrace ? this.#flowMap(place) : this.#flowList(place);
  }

  #flowMap(place: FlowPlace): PlainNode {
    const cursor = this.#cursor;
    const offset = cursor.at;
    const map = new BareMap();
    const keys: string[] = [];
    const keyOffsets: number[] = [];
    const inner: PlainNode[] = [];
    this.#open(place);
    while (cursor.next !== sign.closeBrace) {
      keyOffsets.push(cursor.at);
      const key = this.#key(map, true);
      this.#flowSpace(place);
      const node = this.#flowValue({ ...place, key });
      keys.push(key);
      inner.push(node);
      map[key] = node.value;
      this.#endItem(place, sign.closeBrace);
    }
    cursor.take(1);
    return { offset, value: map, inner, keys, keyOffsets };
  }

  #flowList(place: FlowPlace): PlainNode {
    const cursor = this.#cursor;
    const offset = cursor.at;
    const list: unknown[] = [];
    const inner: PlainNode[] = [];
    this.#open(place);
    while (cursor.next !== sign.closeBracket) {
      const node = this.#flowValue(place);
      inner.push(node);
      list.push(node.value);
      this.#endItem(place, sign.closeBracket);
    }
    cursor.take(1);
    return { offset, value: list, inner, keys: undefined, keyOffsets: undefined };
  }

  #flowValue(place: FlowPlace): PlainNode {
    const cursor = this.#cursor;
    const { at: offset, next } = cursor;
    if (next === sign.doubleQuote || next === sign.singleQuote) return leaf(offset, cursor.quoted(place.column));
    if (next === sign.openBrace || next === sign.openBracket) return this.#flow({ ...place, depth: place.depth + 1 });
    return leaf(offset, plainValue(cursor.plain(true), place.key));
  }

  #open(place: FlowPlace): void {
    this.#cursor.take(1);
    this.#flowSpace(place);
  }

  /** A comma, which may also stand behind the last item, or what closes the collection. */
  #endItem(place: FlowPlace, close: number): void {
    const cursor = this.#cursor;
    this.#flowSpace(place);
    if (cursor.next === close) return;
    if (cursor.next !== sign.comma) throw new NotPlain();
    cursor.take(1);
    this.#flowSpace(place);
  }

  #flowSpace({ column, depth }: FlowPlace): void {
    this.#cursor.flowSpace(column, depth === 1);
  }

  /** With its colon. */
  #key(map: Readonly<Record<string, unknown>>, inFlow: boolean): string {
    const cursor = this.#cursor;
    const { at: start, next } = cursor;
    const isQuoted = next === sign.doubleQuote || next === sign.singleQuote;
    const key = isQuoted ? cursor.quoted(undefined) : cursor.plain(inFlow);
    // A dash or dots may be a mark of documents.
    const isOdd = !isQuoted && (next === sign.dash || key.startsWith('...'));
    if (isOdd || !cursor.isMark(sign.colon) || cursor.at - start > keyLengthMax) throw new NotPlain();
    cursor.take(1);
    if (reservedKeys.has(key) || key in map) throw new NotPlain();
    return key;
  }
}

function leaf(offset: number, value: unknown): PlainNode {
  return { offset, value, inner: undefined, keys: undefined, keyOffsets: undefined };
}
