import { RE2JS, RE2JSException } from 're2js';

import { runSteps } from '../runtime/steps';
import type { Steps } from '../runtime/steps';

/** What a number or a header is compared with. */
export type Pattern =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  /** Numbers of one length, both ends included. */
  | { readonly kind: 'range'; readonly first: string; readonly last: string }
  /** RE2: linear time, whatever the pattern and the number. Finds anywhere, so `^` and `$` say where. */
  | { readonly kind: 'regex'; readonly source: string; readonly regex: RE2JS };

const regexLengthMax = 200;
/** RE2 writes `{n}` out: the sum over an expression bounds the time that compiling takes. */
const repetitionsMax = 250;
const rangeForm = /^(\+?)(\d{1,30})\.\.(\+?)(\d{1,30})$/;

/** The longest text that a pattern is tried on; longer ones match none. */
export const matchedTextLengthMax = 256;

export const patternExpected =
  'a number such as "+33123456789", its beginning and a * such as "+331*", a range such as "100..199", or /regex/';

/** One pattern, or what is wrong with it. A star at the end stands for any rest; elsewhere it is a key (`*97`). */
export function parsePattern(text: string): Pattern | { fault: string } {
  if (text.startsWith('/')) return parseRegex(text);
  const range = rangeForm.exec(text);
  if (range !== null) return parseRange(range);
  if (text.endsWith('*')) return { kind: 'prefix', text: text.slice(0, -1) };
  return { kind: 'exact', text };
}

function parseRegex(text: string): Pattern | { fault: string } {
  if (text.length < 3 || !text.endsWith('/')) return { fault: 'a regular expression between two slashes: /^\\+33/' };
  const source = text.slice(1, -1);
  if (source.length > regexLengthMax) return { fault: `a regular expression of at most ${regexLengthMax} characters` };
  if (repetitionsOf(source) > repetitionsMax)
    return { fault: `a regular expression of at most ${repetitionsMax} repetitions {n}` };
  try {
    return { kind: 'regex', source, regex: RE2JS.compile(source) };
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    return { fault: `a regular expression of RE2 (${cause.message.replace(/^error parsing regexp: /, '')})` };
  }
}

/** The sum of the greater numbers in `{n}`, `{n,}` and `{n,m}`. */
function repetitionsOf(source: string): number {
  const counts = [...source.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)];
  return counts.reduce((sum, [, least = '0', most = '']) => sum + Math.max(Number(least), Number(most)), 0);
}

function parseRange([, plus = '', firstDigits = '', plusToo = '', lastDigits = '']: RegExpExecArray):
  Pattern | { fault: string } {
  const sameForm = plus === plusToo && firstDigits.length === lastDigits.length;
  if (!sameForm || firstDigits > lastDigits) {
    return { fault: 'two numbers of the same length, the smaller one first: "+33100..+33199"' };
  }
  return { kind: 'range', first: plus + firstDigits, last: plus + lastDigits };
}

/** Several patterns, of which one must match. */
export interface PatternSet {
  readonly patterns: readonly Pattern[];
  /** Undefined when there are few: sets would weigh more than all else of a plan of ten thousand routes. */
  readonly many: ManyPatterns | undefined;
}

interface ManyPatterns {
  /** Those that are exact; one look instead of many. */
  readonly exact: ReadonlySet<string>;
  readonly others: readonly Pattern[];
}

const fewPatternsMax = 4;

export function patternSet(texts: string | readonly string[]): PatternSet {
  return runSteps(patternSetSteps(texts));
}

/** From patterns that were checked before, in steps: an expression takes a while to compile. */
export function* patternSetSteps(texts: string | readonly string[]): Steps<PatternSet> {
  const patterns: Pattern[] = [];
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    const pattern = parsePattern(text);
    if ('fault' in pattern) continue;
    patterns.push(pattern);
    if (pattern.kind === 'regex') yield;
  }
  return { patterns, many: patterns.length > fewPatternsMax ? manyPatterns(patterns) : undefined };
}

function manyPatterns(patterns: readonly Pattern[]): ManyPatterns {
  const exact = new Set(patterns.flatMap((pattern) => (pattern.kind === 'exact' ? [pattern.text] : [])));
  return { exact, others: patterns.filter(({ kind }) => kind !== 'exact') };
}

/** As it stands in the plan. */
export function patternText(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'exact':
      return pattern.text;
    case 'prefix':
      return `${pattern.text}*`;
    case 'range':
      return `${pattern.first}..${pattern.last}`;
    case 'regex':
      return `/${pattern.source}/`;
  }
}

export function matchesSet({ patterns, many }: PatternSet, text: string): boolean {
  if (many?.exact.has(text) === true) return true;
  return (many?.others ?? patterns).some((pattern) => matchesPattern(pattern, text));
}

function matchesPattern(pattern: Pattern, text: string): boolean {
  switch (pattern.kind) {
    case 'exact':
      return pattern.text === text;
    case 'prefix':
      return text.startsWith(pattern.text);
    case 'range':
      return inRange(pattern, text);
    case 'regex':
      return text.length <= matchedTextLengthMax && pattern.regex.test(text);
  }
}

/** Digits of one length are in the order of their texts. */
function inRange({ first, last }: { first: string; last: string }, text: string): boolean {
  return text.length === first.length && text >= first && text <= last && /^\+?\d+$/.test(text);
}

/** True when all that `narrow` matches is matched by `wide`, as far as that shows without solving expressions. */
export function covers({ patterns, many }: PatternSet, narrow: PatternSet): boolean {
  return narrow.patterns.every((pattern) =>
    pattern.kind === 'exact' && many?.exact.has(pattern.text) === true
      ? true
      : (many?.others ?? patterns).some((other) => coversPattern(other, pattern)),
  );
}

function coversPattern(wide: Pattern, narrow: Pattern): boolean {
  if (wide.kind === 'regex') return narrow.kind === 'regex' && narrow.source === wide.source;
  switch (narrow.kind) {
    case 'exact':
      return matchesPattern(wide, narrow.text);
    case 'prefix':
      return wide.kind === 'prefix' && narrow.text.startsWith(wide.text);
    case 'range':
      return wide.kind !== 'exact' && matchesPattern(wide, narrow.first) && matchesPattern(wide, narrow.last);
    case 'regex':
      return false;
  }
}
