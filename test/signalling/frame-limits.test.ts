import { frameBytesMax, frameProblem, headerBlockBytesMax } from '../../src/signalling/frame-limits';

const message = (headerBytes: number, bodyBytes: number): string => {
  const start = 'sip||\r\nINVITE sip:x@h SIP/2.0\r\nX-Pad: ';
  const head = `${start}${'a'.repeat(headerBytes - start.length)}`;
  return `${head}\r\n\r\n${'v'.repeat(bodyBytes)}`;
};

test('a message may be as long as the limits, and no longer', () => {
  expect(frameProblem(message(headerBlockBytesMax, 100))).toBeUndefined();
  expect(frameProblem(message(headerBlockBytesMax + 1, 100))).toContain('headers');
  expect(frameProblem(message(1_000, frameBytesMax - 1_004))).toBeUndefined();
  expect(frameProblem(message(1_000, frameBytesMax - 1_003))).toContain('too long');
});

test('octets count, not characters', () => {
  const text = `${'é'.repeat(frameBytesMax / 2)}!`;
  expect(text.length).toBeLessThan(headerBlockBytesMax);
  expect(frameProblem(`\r\n\r\n${text}`)).toContain('too long');
});
