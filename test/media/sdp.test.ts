import { seededRandom } from '../../src/runtime/random';
import { parseSdp, sdpLengthMax, type SdpMedia } from '../../src/media/sdp';
import { offer } from './offers';

function firstMedia(text: string): SdpMedia {
  const session = parseSdp(text);
  if (typeof session === 'string' || session.media[0] === undefined) throw new Error('no media');
  return session.media[0];
}

test('a usual offer is read', () => {
  expect(
    firstMedia(offer({ audio: ['a=rtpmap:0 pcmu/8000/1', 'a=fmtp:101 0-16', 'a=ptime:30', 'a=rtcp:4567'] })),
  ).toEqual({
    kind: 'audio',
    port: 4_000,
    protocol: 'RTP/AVP',
    formats: ['0', '8', '101'],
    address: '198.51.100.7',
    direction: 'sendrecv',
    encodings: new Map([[0, 'PCMU/8000']]),
    parameters: new Map([[101, '0-16']]),
    ptimeMs: 30,
    maxptimeMs: undefined,
    rtcpPort: 4_567,
  });
});

test('address and direction of the session hold for media that have none of their own', () => {
  const text = offer({
    session: ['a=sendonly', 'm=audio 1 RTP/AVP 0', 'm=audio 2 RTP/AVP 0', 'c=IN IP6 2001:DB8::1', 'a=inactive'],
  });
  const session = parseSdp(text);
  expect(session).toMatchObject({
    media: [
      { address: '198.51.100.7', direction: 'sendonly' },
      { address: '2001:db8::1', direction: 'inactive' },
      { direction: 'sendrecv' },
    ],
  });
});

test.each([
  ['0', 10],
  ['-1', 10],
  ['1000000000', 60],
  ['1e9', 60],
  ['20', 20],
  ['22.5', 22.5],
  ['', undefined],
  ['soon', undefined],
])('ptime %s is taken as %s', (text, ptimeMs) => {
  expect(firstMedia(offer({ audio: [`a=ptime:${text}`, `a=maxptime:${text}`] }))).toMatchObject({
    ptimeMs,
    maxptimeMs: ptimeMs,
  });
});

test.each([
  ['an empty text', ''],
  ['a page of HTML', '<html><body>no</body></html>'],
  ['JSON', '{"v":0}'],
  ['another version', offer().replace('v=0', 'v=1')],
  ['a line that is no field', offer().replace('s=call', 'hello')],
  ['a media line cut off', offer({ formats: '' })],
  ['a port that is no number', offer().replace('audio 4000', 'audio x')],
  ['a port above 65535', offer({ port: 65_536 })],
  ['control characters in a media line', offer({ formats: '0\u0000' })],
])('%s is not SDP', (_name, text) => {
  expect(parseSdp(text)).toBe('not-sdp');
});

test('a text that is too long is refused before it is read', () => {
  expect(parseSdp('v=0\r\n' + 'a=x\r\n'.repeat(sdpLengthMax))).toBe('sdp-too-long');
});

test('more than 16 streams are refused', () => {
  expect(parseSdp(offer({ session: Array<string>(16).fill('m=audio 1 RTP/AVP 0') }))).toBe('sdp-too-many-media');
});

test('bare line feeds and blank lines at the end are accepted', () => {
  expect(firstMedia(offer().replaceAll('\r\n', '\n') + '\n\n')).toMatchObject({ port: 4_000 });
});

test('a host name is no address: nothing is looked up', () => {
  expect(firstMedia(offer({ address: 'media.example.com' })).address).toBeUndefined();
});

test('attributes beyond the limits are left out', () => {
  const maps = Array.from({ length: 128 }, (_, n) => `a=rtpmap:${n} X${n}/8000`);
  expect(firstMedia(offer({ audio: maps })).encodings.size).toBe(64);
  expect(firstMedia(offer({ audio: ['a=rtpmap:99 ' + 'x'.repeat(5_000) + '/8000'] })).encodings.size).toBe(0);
});

test('no mutation of an offer makes the parser throw', () => {
  const random = seededRandom(4);
  const good = offer({ session: ['a=group:BUNDLE 0', 'a=ice-lite'] });
  for (let round = 0; round < 5_000; round += 1) {
    const at = Math.floor(random.fraction() * good.length);
    const cut = Math.floor(random.fraction() * 12);
    const inserted = random.bytes(Math.floor(random.fraction() * 12)).toString('latin1');
    expect(() => parseSdp(good.slice(0, at) + inserted + good.slice(at + cut))).not.toThrow();
  }
});
