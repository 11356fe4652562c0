import { Composer, isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';

import { invariant } from '../runtime/invariant';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { ProblemCode } from './plan-problem';
import { scanYaml } from './yaml-scan';
import { BareMap, numberTextKeys, reservedKeys } from './yaml-tree';
import type { YamlTree } from './yaml-tree';

/** Values that are reached through aliases; what is written out is bounded by the length of the file. */
const aliasedValuesMax = 10_000;
const depthMax = 150;
const syntaxProblemsMax = 10;

export type ReportFault = (code: ProblemCode, offset: number, message: string, expected?: string) => void;

/**
 * Reads whatever is YAML 1.2, by a library that tells what is wrong with the rest. Undefined when there is nothing to go on
 * with; even with a tree there may have been faults. The text was looked at by `textFinding`.
 */
export function readFullYaml(text: string, report: ReportFault): YamlTree | undefined {
  const scan = scanYaml(text);
  if (!Array.isArray(scan)) {
    report(scan.code, scan.offset, scan.message, scan.expected);
    return undefined;
  }
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    resolveKnownTags: false,
    // Checked below: the composer compares every key of a map with every other.
    uniqueKeys: false,
  });
  const [document, second] = composer.compose(scan, true, text.length);
  invariant(document !== undefined, 'a text without a document is composed as an empty one');
  if (second !== undefined) {
    report(problemCodes.directive, second.range[0], 'a second document', 'one document per file, without ---');
    return undefined;
  }
  for (const error of document.errors.slice(0, syntaxProblemsMax)) reportSyntax(error, report);
  if (document.errors.length > 0) return undefined;
  const values = new Values(document, report);
  const root = values.read();
  return values.exhausted ? undefined : { root, offsetOf: (path, at) => offsetOf(document, path, at) };
}

function reportSyntax(error: YAMLError, report: ReportFault): void {
  const [offset] = error.pos;
  report(problemCodes.syntax, offset, `not YAML: ${error.message.split('\n')[0] ?? ''}`, syntaxHints[error.code]);
}

const syntaxHints: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'text that begins with * or & in quotes',
  BAD_INDENT: 'the lines of one block in the same column, and what stands in brackets further in',
  BAD_SCALAR_START: 'text that begins with a special character in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'text that contains ": " in quotes',
  MULTILINE_IMPLICIT_KEY: 'a colon after the key',
  MISSING_CHAR: 'every bracket and quote to be closed, and a colon after each key',
  NON_STRING_KEY: 'a word as key',
  TAB_AS_INDENT: 'spaces, not tabs',
};

/** Turns nodes into data, expanding aliases within limits. */
class Values {
  readonly #document: Document.Parsed;
  readonly #report: ReportFault;
  #aliasedValues = 0;
  #aliasesAround = 0;
  #exhausted = false;

  constructor(document: Document.Parsed, report: ReportFault) {
    this.#document = document;
    this.#report = report;
  }

  /** True when reading stopped half-way: what there is means nothing. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  read(): unknown {
    return this.#value(this.#document.contents, 0, undefined);
  }

  #value(node: Node | null, depth: number, key: string | undefined): unknown {
    if (node === null || this.#exhausted) return null;
    if (this.#aliasesAround > 0) this.#aliasedValues += 1;
    const offset = node.range?.[0] ?? 0;
    if (this.#aliasedValues > aliasedValuesMax || depth > depthMax) {
      this.#exhausted = true;
      const expected = `at most ${aliasedValuesMax} values by way of aliases`;
      this.#report(problemCodes.tooManyAliases, offset, 'aliases that expand too far', expected);
      return null;
    }
    if (isAlias(node)) return this.#alias(node, depth, key);
    this.#refuseTag(node);
    if (isMap(node)) return this.#map(node, depth);
    if (isSeq<Node | null>(node)) return node.items.map((item) => this.#value(item, depth + 1, key));
    if (!isScalar(node)) return null;
    const keepsText = key !== undefined && numberTextKeys.has(key) && typeof node.value === 'number';
    return keepsText ? (node.source ?? String(node.value)) : node.value;
  }

  #alias(alias: Alias, depth: number, key: string | undefined): unknown {
    const target = alias.resolve(this.#document);
    if (target !== undefined) {
      this.#aliasesAround += 1;
      const value = this.#value(target, depth + 1, key);
      this.#aliasesAround -= 1;
      return value;
    }
    const message = `the alias *${alias.source} has no anchor`;
    this.#report(problemCodes.syntax, alias.range?.[0] ?? 0, message, syntaxHints.BAD_ALIAS);
    return null;
  }

  #refuseTag(node: Node): void {
    if (node.tag === undefined) return;
    this.#report(problemCodes.tag, node.range?.[0] ?? 0, `a tag: ${node.tag}`, 'no tags; quotes make text of anything');
  }

  #map(node: YAMLMap, depth: number): Record<string, unknown> {
    const map = new BareMap();
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const offset = pair.key.range?.[0] ?? 0;
      this.#refuseTag(pair.key);
      if (reservedKeys.has(key)) {
        this.#report(problemCodes.reservedKey, offset, `"${key}" cannot be a key`, 'another name');
      } else if (key in map) {
        this.#report(problemCodes.duplicateKey, offset, `the key "${key}" stands twice in this map`, 'each key once');
      } else {
        map[key] = this.#value(pair.value, depth + 1, key);
      }
    }
    return map;
  }
}

/** Follows a path through maps, lists and aliases as far as it goes. */
function offsetOf(document: Document.Parsed, path: PlanPath, at: 'key' | 'value'): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, segment] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = (node.items as Pair<Node, Node | null>[]).find(
        ({ key }) => isScalar(key) && String(key.value) === segment,
      );
      if (pair === undefined) return offset;
      const wantsKey = at === 'key' && index === path.length - 1;
      const place: Node = wantsKey ? pair.key : (pair.value ?? pair.key);
      offset = place.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq<Node | null>(node) && typeof segment === 'number') {
      node = node.items[segment] ?? null;
      offset = node?.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
