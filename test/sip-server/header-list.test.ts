import { HeaderList, capitalisedHeaderName, longHeaderName } from '../../src/sip-server/header-list';

function textOf(headers: HeaderList): string[] {
  return [...headers].map(({ name, value }) => `${name}: ${value}`);
}

test('setting replaces all values where the first one stood', () => {
  const headers = new HeaderList().add('A', '1').add('B', '2').add('a', '3');

  headers.set('a', '4');

  expect(textOf(headers)).toEqual(['a: 4', 'B: 2']);
});

test('removing takes all values, whatever their case', () => {
  const headers = new HeaderList().add('A', '1').add('B', '2').add('a', '3').remove('A');

  expect(textOf(headers)).toEqual(['B: 2']);
});

test('a clone goes its own way', () => {
  const headers = new HeaderList().add('A', '1');

  headers.clone().add('B', '2');

  expect(headers.size).toBe(1);
});

test.each([
  ['content-type', 'Content-Type'],
  ['CALL-ID', 'Call-ID'],
  ['cseq', 'CSeq'],
  ['rack', 'RAck'],
  ['p-asserted-identity', 'P-Asserted-Identity'],
  ['X-cID', 'X-cID'],
  ['x-cid', 'X-Cid'],
])('%s is written %s', (typed, written) => {
  expect(capitalisedHeaderName(typed)).toBe(written);
});

test('compact names are known in either case, and names of JavaScript mean nothing', () => {
  expect([longHeaderName('I'), longHeaderName('k'), longHeaderName('q'), longHeaderName('constructor')]).toEqual([
    'Call-ID',
    'Supported',
    'q',
    'constructor',
  ]);
});
