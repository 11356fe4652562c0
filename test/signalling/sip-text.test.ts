import { seededRandom } from '../../src/runtime/random';
import {
  cleanText,
  firstHeaderLine,
  hostOfUri,
  parseNameAddress,
  reasonHeader,
  textLengthMax,
  userOfUri,
} from '../../src/signalling/sip-text';

describe('text of strangers', () => {
  test('loses control characters and reordering marks, and is cut', () => {
    expect(cleanText(' a\u0000b\r\nc\u202Ed\u2028e ')).toBe('abcde');
    expect(cleanText('x'.repeat(10_000))).toHaveLength(textLengthMax);
  });

  test('is not cut through a character', () => {
    expect(cleanText(`${'x'.repeat(textLengthMax - 1)}\u{1F600}`)).toBe('x'.repeat(textLengthMax - 1));
  });

  test('names in other scripts stay', () => {
    expect(cleanText('Zoë Иванова 山田')).toBe('Zoë Иванова 山田');
  });
});

describe('parseNameAddress', () => {
  test.each([
    ['"Ann \\"A\\" <x>" <sip:ann@a.example>;tag=1', 'Ann "A" <x>', 'sip:ann@a.example', '1'],
    ['Ann Bell <sip:ann@a.example;user=phone> ; tag=2', 'Ann Bell', 'sip:ann@a.example;user=phone', '2'],
    ['Zoë <sip:zoe@a.example>;tag=3', 'Zoë', 'sip:zoe@a.example', '3'],
    ['<tel:+33123;phone-context=x>;tag=4', '', 'tel:+33123;phone-context=x', '4'],
    ['sip:ann@a.example;tag=5', '', 'sip:ann@a.example', '5'],
    ['<sip:a@b>;TAG=6, <sip:c@d>;tag=7', '', 'sip:a@b', '6'],
  ])('%s', (value, displayName, uri, tag) => {
    const address = parseNameAddress(value);
    expect(address).toMatchObject({ displayName, uri });
    expect(address?.params.get('tag')).toBe(tag);
  });

  test.each(['', '*', '<', '<>', '"open <sip:a@b>', 'ann', ';;;', '<ann@a.example>'])('%j is no address', (value) => {
    expect(parseNameAddress(value)).toBeUndefined();
  });

  test('never throws, whatever it reads', () => {
    const random = seededRandom(7);
    const alphabet = '"<>;:@\\=,% \tsiptel*\u0000é';
    for (let round = 0; round < 5_000; round += 1) {
      const text = [...random.bytes(40)].map((byte) => alphabet[byte % alphabet.length]).join('');
      const address = parseNameAddress(text);
      userOfUri(text);
      hostOfUri(text);
      expect(address === undefined || address.uri.includes(':')).toBe(true);
    }
  });

  // With a backtracking pattern this would not come back in a day.
  test('of a very long value the rest is not read', () => {
    for (const text of [
      `"${'\\"'.repeat(30_000)}`,
      ' '.repeat(60_000),
      `a ${' '.repeat(60_000)}`,
      '<'.repeat(60_000),
    ]) {
      expect(parseNameAddress(text)).toBeUndefined();
    }
  });
});

describe('userOfUri', () => {
  test.each([
    ['sip:600@pbx.example.com', '600'],
    ['sips:ann:secret@a.example;transport=tls', 'ann'],
    ['sip:%2B33%20123@a.example', '+33 123'],
    ['sip:bad%ZZ@a.example', 'bad%ZZ'],
    ['sip:+331;phone-context=example.com@a.example', '+331'],
    ['sip:%00%0Ax@a.example', 'x'],
    ['tel:+33-1-23;ext=4', '+33-1-23'],
    ['SIP:Ann@A.example', 'Ann'],
    ['sip:a.example', ''],
    ['mailto:ann@a.example', ''],
  ])('%s is %j', (uri, user) => {
    expect(userOfUri(uri)).toBe(user);
  });
});

describe('firstHeaderLine', () => {
  const message = [
    'INVITE sip:600@a SIP/2.0',
    'v: SIP/2.0/UDP a',
    'X-Trunk:  north ',
    'X-TRUNK: south',
    'Subject: folded',
    '\tover lines',
    'Empty:',
    '',
    'X-Trunk: in the body',
    'X-Body: 1',
  ].join('\r\n');

  test.each([
    ['x-trunk', 'north'],
    ['Via', 'SIP/2.0/UDP a'],
    ['subject', 'folded over lines'],
    ['empty', ''],
    ['x-body', undefined],
    ['INVITE sip', undefined],
  ])('%s', (name, value) => {
    expect(firstHeaderLine(message, name)).toBe(value);
  });
});

test('a reason of ours cannot end its quotes or its line', () => {
  expect(reasonHeader(200, 'a "b"\r\nc\\')).toBe(`SIP;cause=200;text="a 'b'c'"`);
});
