import { FrameDecoder, encodeFrame, frameBytesMax } from '../../src/sip-server/admin-frame';
import type { DecodedFrame } from '../../src/sip-server/admin-frame';

function decode(chunks: Buffer[]): DecodedFrame[] | 'malformed' {
  const decoder = new FrameDecoder();
  const frames: DecodedFrame[] = [];
  for (const chunk of chunks) {
    const decoded = decoder.push(chunk);
    if (decoded === 'malformed') return decoded;
    frames.push(...decoded);
  }
  return frames;
}

function payloads(chunks: Buffer[]): string[] {
  const frames = decode(chunks);
  if (frames === 'malformed') throw new Error('malformed');
  return frames.map((frame) =>
    frame.kind === 'frame' ? frame.payload.toString() : `oversize ${frame.head.toString().slice(0, 4)}`,
  );
}

test('the length of a frame counts octets, not characters', () => {
  const message = Buffer.from('Grüße');

  expect(encodeFrame('a|b', message).toString()).toBe('12#a|b\r\nGrüße');
  expect(encodeFrame('a|b').toString()).toBe('3#a|b');
});

test('frames are found however the stream is cut', () => {
  const stream = Buffer.concat([encodeFrame('one'), encodeFrame('two', Buffer.from('2#x'))]);

  expect(payloads([stream])).toEqual(['one', 'two\r\n2#x']);
  expect(payloads([...stream].map((octet) => Buffer.from([octet])))).toEqual(['one', 'two\r\n2#x']);
});

test('a frame that is too large is skipped, and the next one is read', () => {
  const oversize = Buffer.alloc(frameBytesMax + 1, 'x');
  oversize.write('id-1|sip');
  const stream = Buffer.concat([Buffer.from(`${oversize.length}#`), oversize, encodeFrame('next')]);

  expect(payloads([stream.subarray(0, 1_000), stream.subarray(1_000, 700_000), stream.subarray(700_000)])).toEqual([
    'oversize id-1',
    'next',
  ]);
});

test.each(['x#abc', '#abc', '12345678901', '-1#a', '1e3#a'])('%j is malformed', (text) => {
  expect(decode([Buffer.from(text)])).toBe('malformed');
});
