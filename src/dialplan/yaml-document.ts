import { Composer, isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';

import { invariant } from '../runtime/invariant';
import { bareSecrets } from './literal-secrets';
import type { PlanPath } from './plan-path';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanPosition, PlanProblem, ProblemCode } from './plan-problem';
import { TextPlaces } from './text-places';
import { scanYaml } from './yaml-scan';

/** What a file says, as plain data that inherits nothing, and where it says it. */
export interface YamlDocument {
  readonly root: unknown;
  /** The key's place for a map entry when `at` is `key`, else the value's. The nearest that exists, if it does not. */
  locate(path: PlanPath, at: 'key' | 'value'): PlanPosition;
  /** The first place of a text in a value; the value's own place when it is not written there as it is. */
  locateWithin(path: PlanPath, text: string): PlanPosition;
}

/** `document` is undefined when the text is not YAML at all. */
export interface YamlReading {
  document: YamlDocument | undefined;
  problems: PlanProblem[];
}

/** Values that are reached through aliases; what is written out is bounded by the length of the file. */
const aliasedValuesMax = 10_000;
const depthMax = 150;
const syntaxProblemsMax = 10;
const reservedKeys = new Set(['__proto__', 'constructor', 'prototype']);
/** Under these keys a bare number is what was typed: YAML would drop its plus sign and its leading zeros. */
const numberTextKeys = new Set(['to', 'from', 'caller_id', 'version']);

/** Reads one YAML 1.2 document under the core schema. Never throws, whatever the text. */
export function readYaml(file: string, text: string): YamlReading {
  const places = new TextPlaces(text);
  const problems: PlanProblem[] = [];
  const add = (code: ProblemCode, offset: number, message: string, expected?: string): void => {
    if (problems.length >= problemsPerFileMax) return;
    const position = places.at(offset);
    problems.push({ code, severity: 'error', file, position, message, expected, nearest: undefined });
  };
  const scan = scanYaml(text);
  if (!Array.isArray(scan)) {
    add(scan.code, scan.offset, scan.message, scan.expected);
    return { document: undefined, problems };
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
    add(problemCodes.directive, second.range[0], 'a second document', 'one document per file, without ---');
    return { document: undefined, problems };
  }
  for (const error of document.errors.slice(0, syntaxProblemsMax)) reportSyntax(error, add);
  if (document.errors.length > 0) return { document: undefined, problems };
  const values = new Values(document, add);
  const root = values.read();
  if (values.exhausted) return { document: undefined, problems };
  const secrets = bareSecrets(root);
  return {
    document: {
      root,
      locate: (path, at) => hide(places.at(offsetOf(document, path, at)), secrets),
      locateWithin(path, wanted) {
        const offset = offsetOf(document, path, 'value');
        const within = text.indexOf(wanted, offset);
        return hide(places.at(within === -1 ? offset : within), secrets);
      },
    },
    problems,
  };
}

/** A line may be shown with a message, but not what may be a password in it. */
function hide(position: PlanPosition, secrets: readonly string[]): PlanPosition {
  const text = secrets.reduce((line, secret) => line.replaceAll(secret, '*'.repeat(secret.length)), position.text);
  return { ...position, text };
}

function reportSyntax(error: YAMLError, add: Report): void {
  const [offset] = error.pos;
  add(problemCodes.syntax, offset, `not YAML: ${error.message.split('\n')[0] ?? ''}`, syntaxHints[error.code]);
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

/**
 * Inherits nothing, as what `Object.create(null)` makes, which V8 keeps as a hash table: in a plan of ten thousand routes it
 * takes several times as long to make, to walk and to check.
 */
const BareMap = function () {} as unknown as new () => Record<string, unknown>;
BareMap.prototype = Object.freeze(Object.create(null) as object);

type Report = (code: ProblemCode, offset: number, message: string, expected?: string) => void;

/** Turns nodes into data, expanding aliases within limits. */
class Values {
  readonly #document: Document.Parsed;
  readonly #add: Report;
  #aliasedValues = 0;
  #aliasesAround = 0;
  #exhausted = false;

  constructor(document: Document.Parsed, add: Report) {
    this.#document = document;
    this.#add = add;
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
      this.#add(problemCodes.tooManyAliases, offset, 'aliases that expand too far', expected);
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
    this.#add(problemCodes.syntax, alias.range?.[0] ?? 0, message, syntaxHints.BAD_ALIAS);
    return null;
  }

  #refuseTag(node: Node): void {
    if (node.tag === undefined) return;
    this.#add(problemCodes.tag, node.range?.[0] ?? 0, `a tag: ${node.tag}`, 'no tags; quotes make text of anything');
  }

  #map(node: YAMLMap, depth: number): Record<string, unknown> {
    const map = new BareMap();
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const offset = pair.key.range?.[0] ?? 0;
      this.#refuseTag(pair.key);
      if (reservedKeys.has(key)) {
        this.#add(problemCodes.reservedKey, offset, `"${key}" cannot be a key`, 'another name');
      } else if (key in map) {
        this.#add(problemCodes.duplicateKey, offset, `the key "${key}" stands twice in this map`, 'each key once');
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
