import { seededRandom } from '../../src/runtime/random';
import { readYaml } from '../../src/dialplan/yaml-document';

const codesOf = (text: string) => readYaml('a.yaml', text).problems.map((problem) => problem.code);

test('YAML 1.2: no, on and times are text, and so is nothing quoted', () => {
  const { document } = readYaml('a.yaml', 'a: no\nb: on\nc: 12:30\nd: "5"\ne: 5\nf: true\ng:\n');
  expect(document?.root).toEqual({ a: 'no', b: 'on', c: '12:30', d: '5', e: 5, f: true, g: null });
});

test('maps inherit nothing', () => {
  const { document } = readYaml('a.yaml', 'a: { b: 1 }\n');
  const root = document?.root as Record<string, unknown>;
  expect([root.constructor, root.__proto__, 'toString' in root]).toEqual([undefined, undefined, false]);
  expect(Object.isFrozen(Object.getPrototypeOf(root))).toBe(true);
});

test('places count lines and columns from 1, also after carriage returns and tabs', () => {
  const { document } = readYaml('a.yaml', '# x\r\na:\r\n  - b:\tc\r\n');
  expect(document?.locate(['a', 0, 'b'], 'key')).toEqual({ line: 3, column: 5, text: '  - b: c' });
  expect(document?.locate(['a', 0, 'b'], 'value')).toEqual({ line: 3, column: 8, text: '  - b: c' });
});

test('the place of what does not exist is that of what should hold it', () => {
  const { document } = readYaml('a.yaml', 'a:\n  b: 1\n');
  expect(document?.locate(['a', 'none', 'deeper'], 'key')).toMatchObject({ line: 2, column: 3 });
  expect(document?.locate(['a', 'b', 3, 'x'], 'value')).toMatchObject({ line: 2, column: 6 });
});

// Each would cost the parser seconds, or its stack.
test.each([
  ['open brackets', '['.repeat(1_000_000), ['DP102']],
  ['open braces', '{a: '.repeat(250_000), ['DP102']],
  ['nested lists', '- '.repeat(500_000), ['DP102']],
  ['nested keys', '? '.repeat(500_000), ['DP102']],
  ['nested values', ': '.repeat(500_000), ['DP102']],
  ['a staircase', Array.from({ length: 1_000 }, (_, width) => `${' '.repeat(width)}a:`).join('\n'), ['DP102']],
  ['many lines', 'a: b\n'.repeat(200_000), ['DP108']],
  ['many empty lines', '\n'.repeat(1_000_000), ['DP108']],
  ['many directives', '%x\n'.repeat(150_000), ['DP107']],
  ['many bad escapes', `a: "${'\\z'.repeat(500_000)}"`, ['DP101']],
  ['many anchors', '&a '.repeat(300_000), ['DP103']],
  ['many tags', `a: [${'!x y, '.repeat(90_000)}]`, ['DP104']],
  ['many comments', '#\n'.repeat(400_000), ['DP108']],
  ['many aliases', `a: &a 1\nb: [${'*a, '.repeat(150_000)}]`, ['DP103']],
  ['a lone surrogate', 'a: \ud800', ['DP005']],
  ['zeros', '\0'.repeat(1_000_000), ['DP005']],
])('%s: found before the parser sees it', (_, text, codes) => {
  expect(codesOf(text)).toEqual(codes);
});

test('a large plan is no problem', () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, index) => `  - { name: r${index}, when: { to: "${index}" }, answer: a }`,
  );
  expect(codesOf(`routes:\n${lines.join('\n')}\n`)).toEqual(['DP108']);
  expect(codesOf(`routes:\n${lines.slice(0, 10_000).join('\n')}\n`)).toEqual([]);
});

test('text, comments and quotes may hold any number of brackets and any indentation', () => {
  const text = `a: |\n${'  [[[[ {{{{\n'.repeat(50)}b: "${'['.repeat(50)}" # ${'{'.repeat(50)}\nc: x [[[[ y\n`;
  expect(codesOf(`${text}d: |\n  x\n${' '.repeat(150)}deep\n`)).toEqual([]);
});

test('an escaped backslash is an escape', () => {
  expect(codesOf('a: "C:\\\\data"\n')).toEqual([]);
  expect(codesOf('a: "\\\\\\q"\n')).toEqual(['DP101']);
});

test('no text makes it throw', () => {
  const random = seededRandom(7);
  const pieces = [
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '? ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '|',
    '>',
    '&a',
    '*a',
    '!t ',
    '#',
    '%',
    '\t',
    '---\n',
    '\\',
    '1',
    '<<',
    '@',
    '`',
    'é',
    '\r',
    '...\n',
    '__proto__',
  ];
  for (let round = 0; round < 3_000; round += 1) {
    const length = Math.floor(random.fraction() * 30);
    const text = Array.from({ length }, () => pieces[Math.floor(random.fraction() * pieces.length)]).join('');
    const { document, problems } = readYaml('a.yaml', text);
    expect(document !== undefined || problems.length > 0).toBe(true);
  }
});
