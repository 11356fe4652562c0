import { messageBytesMax } from '../../src/sip-server/parse-message';
import { StreamFramer } from '../../src/sip-server/stream-framer';
import type { FramingFault } from '../../src/sip-server/stream-framer';

function frame(chunks: (string | Buffer)[]): {
  frames: string[];
  pings: number;
  fault: FramingFault | undefined;
  waiting: boolean;
} {
  const frames: string[] = [];
  let pings = 0;
  const framer = new StreamFramer({
    onFrame: (bytes) => frames.push(bytes.toString('latin1')),
    onPing: () => (pings += 1),
  });
  let fault: FramingFault | undefined;
  for (const chunk of chunks) fault ??= framer.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  return { frames, pings, fault, waiting: framer.isWaiting };
}

const one = 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc';
const two = 'BYE sip:b SIP/2.0\r\nl:\r\n 0\r\n\r\n';

test('messages that come together are cut apart', () => {
  expect(frame([one + two + one]).frames).toEqual([one, two, one]);
});

test('messages that come octet by octet are put together', () => {
  const { frames, waiting } = frame([...Buffer.from(one + two)].map((octet) => Buffer.from([octet])));

  expect(frames).toEqual([one, two]);
  expect(waiting).toBe(false);
});

test.each([1, 2, 7, 45, 60])('messages in pieces of %i octets stay as they were while others come', (octets) => {
  const stream = Buffer.from((one + two).repeat(20), 'latin1');
  const kept: Buffer[] = [];
  const framer = new StreamFramer({ onFrame: (bytes) => kept.push(bytes), onPing: () => undefined });
  for (let at = 0; at < stream.length; at += octets) framer.push(stream.subarray(at, at + octets));

  expect(kept.map((bytes) => bytes.toString('latin1'))).toEqual(Array.from({ length: 20 }, () => [one, two]).flat());
});

test('half a message waits for the rest', () => {
  expect(frame([one.slice(0, -1)])).toMatchObject({ frames: [], fault: undefined, waiting: true });
});

test('empty lines are dropped, and each double one is a ping', () => {
  expect(frame(['\r\n', '\r\n', one, '\r\n', two, '\r\n\r\n\r\n\r\n'])).toMatchObject({ frames: [one, two], pings: 3 });
});

test.each<[FramingFault, string]>([
  ['no-content-length', 'OPTIONS sip:a SIP/2.0\r\nX: 1\r\n\r\n'],
  ['bad-content-length', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n'],
  ['bad-content-length', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 4294967297\r\n\r\n'],
  ['bad-content-length', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc'],
  ['bad-content-length', 'OPTIONS sip:a SIP/2.0\r\nContent-Length : 3\r\nl: 0\r\n\r\nabc'],
  ['too-large', `OPTIONS sip:a SIP/2.0\r\nX: ${'a'.repeat(messageBytesMax)}`],
  ['too-large', `OPTIONS sip:a SIP/2.0\r\nContent-Length: ${messageBytesMax}\r\n\r\n`],
])('%s cannot be followed', (fault, text) => {
  expect(frame([text])).toMatchObject({ frames: [], fault });
});
