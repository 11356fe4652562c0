import type { z } from 'zod';

import { nearestWord } from '../runtime/nearest-word';
import { secretExpected, withoutSecrets } from './literal-secrets';
import { keyName, valueAt } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import { expectationOf, isSecret, schemaAt, suggestionsOf, validKeys, validWords } from './schema-expectation';
import type { YamlDocument } from './yaml-document';

/** Echoed values are cut to this. */
const echoLengthMax = 60;

/** What the schema library found, in our words and at its place in the file. */
export function schemaProblems(options: {
  file: string;
  document: YamlDocument;
  schema: z.core.$ZodType;
  issues: readonly z.core.$ZodIssue[];
}): PlanProblem[] {
  const reporter = new Reporter(options.file, options.document, options.schema);
  for (const issue of options.issues) reporter.report(issue, []);
  const { found } = reporter;
  return found.filter((one) => !isConsequence(one, found)).map(({ problem }) => problem);
}

interface Found {
  readonly path: PlanPath;
  readonly problem: PlanProblem;
}

/** A key that is missing because it was misspelt is one problem, not two. */
function isConsequence({ path, problem }: Found, all: readonly Found[]): boolean {
  if (problem.code !== problemCodes.missingKey && problem.code !== problemCodes.badForm) return false;
  const map = problem.code === problemCodes.missingKey ? path.slice(0, -1) : path;
  return all.some((other) => {
    const { code, nearest } = other.problem;
    if (code !== problemCodes.unknownKey || nearest === undefined || !samePath(other.path.slice(0, -1), map))
      return false;
    return problem.code === problemCodes.badForm || nearest === path.at(-1);
  });
}

function samePath(one: PlanPath, other: PlanPath): boolean {
  return one.length === other.length && one.every((segment, index) => segment === other[index]);
}

class Reporter {
  readonly found: Found[] = [];
  readonly #file: string;
  readonly #document: YamlDocument;
  readonly #schema: z.core.$ZodType;

  constructor(file: string, document: YamlDocument, schema: z.core.$ZodType) {
    this.#file = file;
    this.#document = document;
    this.#schema = schema;
  }

  /** The path of an issue inside a union begins at the union. */
  report(issue: z.core.$ZodIssue, above: PlanPath): void {
    // Finding the nearest word takes longer than the parser did.
    if (this.found.length >= problemsPerFileMax) return;
    const path: PlanPath = [...above, ...(issue.path as (string | number)[])];
    switch (issue.code) {
      case 'unrecognized_keys':
        for (const key of issue.keys.slice(0, problemsPerFileMax)) this.#unknownKey(path, key);
        return;
      case 'invalid_union':
        this.#union(issue, path);
        return;
      case 'invalid_key': {
        const message = `"${String(path.at(-1))}" cannot be a key here`;
        this.#add(problemCodes.badForm, path, message, wantedBy(issue.issues[0]), undefined, 'key');
        return;
      }
      case 'too_small':
      case 'too_big':
        this.#value(problemCodes.outOfRange, path);
        return;
      case 'invalid_format':
      case 'custom':
        this.#value(problemCodes.badForm, path, wantedBy(issue));
        return;
      case 'invalid_value':
        this.#value(problemCodes.unknownWord, path);
        return;
      case 'invalid_type':
      case 'not_multiple_of':
      case 'invalid_element':
        this.#value(problemCodes.wrongKind, path);
        return;
    }
  }

  #unknownKey(path: PlanPath, key: string): void {
    const whole = [...path, key];
    const data = valueAt(this.#document.root, path);
    const keys = validKeys(schemaAt(this.#schema, this.#document.root, path), data);
    const nearest = nearestWord(key, keys);
    const message = `unknown key "${key.slice(0, echoLengthMax)}" ${placeName(path)}`;
    this.#add(problemCodes.unknownKey, whole, message, `one of ${keys.join(', ')}`, nearest, 'key');
  }

  #union(issue: z.core.$ZodIssueInvalidUnion, path: PlanPath): void {
    // The alternative that got past the value's kind is the one that was meant.
    const meant = issue.errors.find((issues) =>
      issues.every(
        ({ code, path: inner }) => inner.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value'),
      ),
    );
    if (meant === undefined) {
      const isText = typeof valueAt(this.#document.root, path) === 'string';
      const wantsWord = validWords(schemaAt(this.#schema, this.#document.root, path)).length > 0;
      const isWord = issue.discriminator !== undefined || (isText && wantsWord);
      const code = isWord ? problemCodes.unknownWord : problemCodes.wrongKind;
      this.#value(code, path);
    } else {
      for (const inner of meant) this.report(inner, path);
    }
  }

  #value(code: ProblemCode, path: PlanPath, wanted?: string): void {
    const value = valueAt(this.#document.root, path);
    const schema = schemaAt(this.#schema, this.#document.root, path);
    const name = String(path.at(-1) ?? 'the file');
    if (value === undefined) {
      const expected = schema === undefined ? undefined : expectationOf(schema);
      this.#add(problemCodes.missingKey, path, `missing key "${name}" ${placeName(path.slice(0, -1))}`, expected);
      return;
    }
    if (schema !== undefined && isSecret(schema)) {
      // The value may be the secret itself: it is not told.
      const message = `"${keyName(path)}" is not a reference to a secret`;
      this.#add(problemCodes.literalSecret, path, message, secretExpected);
      return;
    }
    const words = [...validWords(schema), ...suggestionsOf(schema)];
    const nearest = typeof value === 'string' ? nearestWord(value, words) : undefined;
    const expected = wanted ?? (schema === undefined ? undefined : expectationOf(schema));
    this.#add(code, path, `${faults[code] ?? 'wrong value'} for "${keyName(path)}": ${echo(value)}`, expected, nearest);
  }

  #add(
    code: ProblemCode,
    path: PlanPath,
    message: string,
    expected: string | undefined,
    nearest?: string,
    at: 'key' | 'value' = 'value',
  ): void {
    if (this.found.length >= problemsPerFileMax) return;
    const position = this.#document.locate(path, at);
    const problem = { code, severity: 'error', file: this.#file, position, message, expected, nearest } as const;
    this.found.push({ path, problem });
  }
}

const faults: Partial<Record<ProblemCode, string>> = {
  [problemCodes.outOfRange]: 'value out of range',
  [problemCodes.badForm]: 'value not understood',
  [problemCodes.unknownWord]: 'unknown value',
  [problemCodes.wrongKind]: 'wrong kind of value',
};

/** Messages that our schemas give are written as `expected ...`. */
function wantedBy(issue: z.core.$ZodIssue | undefined): string | undefined {
  return issue?.message.startsWith('expected ') === true ? issue.message.slice('expected '.length) : undefined;
}

function placeName(path: PlanPath): string {
  const [section, entry] = path;
  if (section === undefined) return 'at the top of the file';
  if (path.length === 2 && typeof entry === 'number') return `in a ${String(section).replace(/s$/, '')}`;
  if (path.length === 2) return `in ${String(section).replace(/s$/, '')} "${String(entry)}"`;
  return `in "${keyName(path)}"`;
}

function echo(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  if (typeof value === 'object') return 'a map';
  const text = withoutSecrets(JSON.stringify(value));
  return text.length > echoLengthMax ? `${text.slice(0, echoLengthMax)}...` : text;
}
