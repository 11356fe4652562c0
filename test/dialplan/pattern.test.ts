import { covers, matchesSet, parsePattern, patternSet } from '../../src/dialplan/pattern';

test.each([
  ['+33123456789', '+33123456789', true],
  ['+33123456789', '+331234567890', false],
  ['+331*', '+331', true],
  ['+331*', '+3312', true],
  ['+331*', '33123', false],
  ['*97', '*97', true],
  ['*', '', true],
  ['100..199', '100', true],
  ['100..199', '199', true],
  ['100..199', '200', false],
  ['100..199', '1500', false],
  ['100..199', '15', false],
  ['100..199', '1a0', false],
  ['+33100..+33199', '+33150', true],
  ['+33100..+33199', '33150', false],
  ['0049..0051', '0050', true],
  ['/^\\+33[1-5]\\d{8}$/', '+33123456789', true],
  ['/^\\+33[1-5]\\d{8}$/', '+33723456789', false],
  ['/55/', '+15551', true],
  ['..', '..', true],
])('%s and the number %s: %s', (pattern, number, expected) => {
  expect(matchesSet(patternSet(pattern), number)).toBe(expected);
});

test('a list matches when one of it does', () => {
  const set = patternSet(['100', '2*', '300..399', '/^4/']);
  for (const number of ['100', '2', '355', '45']) expect(matchesSet(set, number)).toBe(true);
  for (const number of ['101', '1', '3555', '54']) expect(matchesSet(set, number)).toBe(false);
});

// Nothing is timed here: an engine that goes back would not come to the end of these.
test.each([
  ['/^(\\+?\\d+)*$/', false],
  ['/^(1|1)*$/', false],
  ['/(.*)(.*)(.*)(.*)y$/', false],
  ['/^(([0-9])+.)+[A-Z]([0-9])+$/', false],
  ['/(1?){100}1{100}/', true],
])('an expression that ruins other engines is simply tried: %s', (source, expected) => {
  expect(matchesSet(patternSet(source), `${'1'.repeat(255)}!`)).toBe(expected);
});

test('texts longer than any number are not tried on expressions', () => {
  expect(matchesSet(patternSet('/1/'), '1'.repeat(256))).toBe(true);
  expect(matchesSet(patternSet('/1/'), '1'.repeat(257))).toBe(false);
});

test.each(['/', '//', '/a', '/(?<!a)b/', '/a{1001}/', `/${'a'.repeat(201)}/`, '5..1', '1..22'])(
  '%s is no pattern',
  (text) => {
    expect(parsePattern(text)).toHaveProperty('fault');
  },
);

test.each([
  ['1*', '1*', true],
  ['1*', '12*', true],
  ['12*', '1*', false],
  ['1*', '100..199', true],
  ['10*', '100..119', false],
  ['100..199', '150', true],
  ['100..199', '120..130', true],
  ['100..199', '190..200', false],
  ['100..199', '1*', false],
  ['/^1/', '/^1/', true],
  ['/^1/', '1', false],
  ['*', '100', true],
  ['100', '100*', false],
])('%s takes all that %s takes: %s', (wide, narrow, expected) => {
  expect(covers(patternSet(wide), patternSet(narrow))).toBe(expected);
});

test('a list takes all of another when it takes each entry', () => {
  expect(covers(patternSet(['1*', '200']), patternSet(['11', '200']))).toBe(true);
  expect(covers(patternSet(['1*', '200']), patternSet(['11', '201']))).toBe(false);
});
