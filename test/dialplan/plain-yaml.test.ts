import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CST, Lexer } from 'yaml';

import { readFullYaml } from '../../src/dialplan/full-yaml';
import { readPlainYaml } from '../../src/dialplan/plain-yaml';
import type { PlanPath } from '../../src/dialplan/plan-path';
import { lexemesMax, textFinding } from '../../src/dialplan/yaml-scan';
import type { YamlTree } from '../../src/dialplan/yaml-tree';
import { seededRandom } from '../../src/runtime/random';
import { mutated, randomYaml } from './random-yaml';

const project = join(__dirname, '../..');

/** Where everything stands, and places that do not exist. */
function offsetsOf(tree: YamlTree): Map<string, [number, number]> {
  const offsets = new Map<string, [number, number]>();
  const look = (value: unknown, path: PlanPath): void => {
    offsets.set(JSON.stringify(path), [tree.offsetOf(path, 'key'), tree.offsetOf(path, 'value')]);
    if (typeof value !== 'object' || value === null) return;
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      look((value as Record<string | number, unknown>)[key], [...path, key]);
    }
  };
  look(tree.root, []);
  for (const path of [...offsets.keys()].map((text) => JSON.parse(text) as PlanPath)) {
    for (const segment of ['none', 0, 99]) {
      const none = [...path, segment];
      if (!offsets.has(JSON.stringify(none))) look(undefined, none);
    }
  }
  return offsets;
}

/** As `yaml-scan` counts them. */
function lexemesOf(text: string): number {
  const marks: string[] = [CST.SCALAR, CST.DOCUMENT, CST.FLOW_END];
  return [...new Lexer().lex(text)].filter((lexeme) => !marks.includes(lexeme)).length;
}

/** True when the plain reader read the text; then the other one read the same. */
function readsTheSame(text: string): boolean {
  if (textFinding(text) !== undefined) return false;
  const plain = readPlainYaml(text, { lexemesMax });
  if (plain === undefined) return false;
  const faults: string[] = [];
  const full = readFullYaml(text, (code, offset, message) => faults.push(`${code} ${offset} ${message}`));
  expect({ text, faults }).toEqual({ text, faults: [] });
  // The order of keys, too.
  expect({ text, says: JSON.stringify(plain.root) }).toEqual({ text, says: JSON.stringify(full?.root) });
  expect(plain.root).toEqual(full?.root);
  expect({ text, offsets: offsetsOf(plain) }).toEqual({ text, offsets: full && offsetsOf(full) });
  const lexemes = lexemesOf(text);
  const within = [lexemes, lexemes - 1].map((max) => readPlainYaml(text, { lexemesMax: max }) !== undefined);
  expect({ text, within }).toEqual({ text, within: [true, false] });
  return true;
}

const plans = ['dialplans', 'docs', 'test/fixtures'].flatMap((folder) =>
  readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name)),
);

test.each(plans)('%s: the same by both readers', (name) => {
  const isPlain = readsTheSame(readFileSync(join(project, name), 'utf8'));
  // The plans that we ship are read the short way.
  if (name.startsWith('dialplans') && !name.includes('scenarios')) expect(isPlain).toBe(true);
});

test('texts as people write them: the same by both readers, or only the full one reads them', () => {
  const random = seededRandom(11);
  const texts = Array.from({ length: 1_500 }, () => randomYaml(random));
  expect(texts.filter(readsTheSame).length).toBeGreaterThan(600);
});

test('the same after a slip of the hand', () => {
  const random = seededRandom(12);
  const whole = plans.map((name) => readFileSync(join(project, name), 'utf8')).filter((text) => text.length < 3_000);
  const sources = [...whole, ...Array.from({ length: 200 }, () => randomYaml(random))];
  const texts = Array.from({ length: 3_000 }, () =>
    mutated(sources[Math.floor(random.fraction() * sources.length)]!, random),
  );
  expect(texts.filter(readsTheSame).length).toBeGreaterThan(600);
});

test.each([
  ['keys that look like numbers, in the order of the text', '10: a\n9: { 2: b, 1: c }\n'],
  ['a list in the column of its key', 'a:\n- b\n- c: d\n  e: f\ng: h\n'],
  ['a bracket that closes in the column of its key', 'a: [\n  b,\n]\nc: {\n  d: e }\n'],
  ['numbers that were typed as text', 'to: +33123\nfrom: [007, 08]\nversion: 1.0\nlength: 007\n'],
  ['text in several lines', 'a: one\n  two\n\n  three # end\nb: "one\n  two"\nc: \'one\n\n  two\'\n'],
  ['block scalars', 'a: |\n  one\n   two\n\n\nb: >-\n  one\n  two\n\n  three\n'],
  ['line ends of Windows', 'a: b\r\nc: |\r\n  d\r\n  e\r\nf: "g\r\n  h"\r\n'],
  ['no line end at the end', 'a: b'],
])('%s: read the short way', (_, text) => {
  expect(readsTheSame(text)).toBe(true);
});

test.each([
  ['anchors', 'a: &x b\n'],
  ['aliases', 'a: *x\n'],
  ['tags', 'a: !x b\n'],
  ['two documents', 'a: b\n---\nc: d\n'],
  ['a key twice', 'a: b\na: c\n'],
  ['a key of objects', 'constructor: b\n'],
  ['a tab', 'a:\tb\n'],
  ['no value', 'a:\nb: c\n'],
  ['a colon in text', 'a: b: c\n'],
  ['a line that is too far in', 'a: b\n c: d\n'],
  ['an open quote', 'a: "b\n'],
  ['an open bracket', 'a: [b\nc: d\n'],
  ['21 brackets', `a: ${'['.repeat(21)}${']'.repeat(21)}\n`],
  ['101 columns', `a:\n${' '.repeat(101)}b: c\n`],
  ['nothing', '# only a comment\n'],
])('%s: left to the full reader', (_, text) => {
  expect(readPlainYaml(text, { lexemesMax })).toBeUndefined();
});
