import { OfferRefused } from '../../src/media/media-leg';
import {
  bothLaws,
  chooseAudio,
  LocalDescription,
  readAnswer,
  readDescription,
  type NegotiatedAudio,
} from '../../src/media/negotiation';
import { offer } from './offers';

const ours4 = { family: 'IP4', codecs: bothLaws } as const;
const local = { address: '203.0.113.5', port: 10_000 };

function description(): LocalDescription {
  return new LocalDescription({ local, sessionId: 42 });
}

function negotiate(text: string, ours = description()): { audio: NegotiatedAudio; answer: string[] } {
  const session = readDescription(text);
  const choice = chooseAudio(session, ours4);
  return { audio: choice.audio, answer: ours.answer(session, choice).split('\r\n') };
}

function refusal(text: string): OfferRefused {
  try {
    negotiate(text);
  } catch (cause) {
    if (cause instanceof OfferRefused) return cause;
  }
  throw new Error('the offer was not refused');
}

test('the whole answer to a usual offer', () => {
  expect(negotiate(offer()).answer).toEqual([
    'v=0',
    'o=- 42 1 IN IP4 203.0.113.5',
    's=-',
    'c=IN IP4 203.0.113.5',
    't=0 0',
    'm=audio 10000 RTP/AVP 0 8 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ]);
});

test.each([
  ['8 0', 'pcma', 8],
  ['18 9 0 8', 'pcmu', 0],
  ['8', 'pcma', 8],
])('of the formats %s we send the first that we know', (formats, law, payloadType) => {
  expect(negotiate(offer({ formats, audio: [] })).audio).toMatchObject({ codec: law, payloadType });
});

test("dynamic payload types are the offerer's, in our answer too", () => {
  const audio = [
    'a=rtpmap:96 opus/48000/2',
    'a=rtpmap:97 PCMA/8000',
    'a=rtpmap:120 telephone-event/8000',
    'a=rtpmap:121 telephone-event/48000',
  ];
  const { audio: agreed, answer } = negotiate(offer({ formats: '96 97 121 120', audio }));
  expect(agreed).toMatchObject({ codec: 'pcma', payloadType: 97, event: { payloadType: 120, clockHz: 8_000 } });
  expect(answer).toContain('m=audio 10000 RTP/AVP 97 120');
  expect([agreed.receive.get(97), agreed.receive.get(120), agreed.receive.get(96)]).toEqual([
    'pcma',
    'telephone-event',
    undefined,
  ]);
});

test('a static payload type that is mapped to something else is not G.711', () => {
  expect(negotiate(offer({ formats: '0 8', audio: ['a=rtpmap:0 L16/8000'] })).audio).toMatchObject({
    codec: 'pcma',
    payloadType: 8,
  });
});

test('without telephone-event in the offer there is none', () => {
  const { audio, answer } = negotiate(offer({ formats: '0', audio: [] }));
  expect(audio.event).toBeUndefined();
  expect(answer.join()).not.toContain('telephone-event');
});

test.each([
  ['sendrecv', 'sendrecv', { sending: true, receiving: true, onHold: false }],
  ['sendonly', 'recvonly', { sending: false, receiving: true, onHold: true }],
  ['recvonly', 'sendonly', { sending: true, receiving: false, onHold: false }],
  ['inactive', 'inactive', { sending: false, receiving: false, onHold: true }],
])('%s is answered with %s', (direction, answered, state) => {
  const { audio, answer } = negotiate(offer({ direction }));
  expect(answer).toContain(`a=${answered}`);
  expect(audio).toMatchObject(state);
});

test('a zero address is hold: nothing is sent, and there is no remote address', () => {
  const { audio, answer } = negotiate(offer({ address: '0.0.0.0' }));
  expect(audio).toMatchObject({ onHold: true, sending: false, remote: undefined });
  expect(answer).toContain('a=recvonly');
});

test('other streams keep their place with port 0', () => {
  const session = ['m=video 5000 RTP/SAVPF 96 97', 'a=rtpmap:96 VP8/90000', 'm=audio 6000 RTP/SAVP 0'];
  const { answer } = negotiate(offer({ session }) + 'm=image 7000 udptl t38\r\n');
  expect(answer.filter((line) => line.startsWith('m='))).toEqual([
    'm=video 0 RTP/SAVPF 96',
    'm=audio 0 RTP/SAVP 0',
    'm=audio 10000 RTP/AVP 0 8 101',
    'm=image 0 udptl t38',
  ]);
});

test('of two audio streams with IPv6 and IPv4 the usable one is taken', () => {
  const { audio } = negotiate(offer({ session: ['m=audio 5000 RTP/AVP 0', 'c=IN IP6 2001:db8::1'] }));
  expect(audio.remote).toEqual({ address: '198.51.100.7', port: 4_000, rtcpPort: 4_001 });
});

test('the time line of the offer is repeated', () => {
  expect(negotiate(offer().replace('t=0 0', 't=2873397496 2873404696')).answer).toContain('t=2873397496 2873404696');
});

test('ICE, rtcp-mux and bundle are ignored politely, and the RTCP port is read', () => {
  const audio = [
    'a=rtcp-mux',
    'a=rtcp:4999 IN IP4 192.0.2.9',
    'a=ice-ufrag:x',
    'a=candidate:1 1 UDP 1 192.0.2.9 1 typ host',
  ];
  const result = negotiate(offer({ audio, session: ['a=ice-lite', 'a=group:BUNDLE a'] }));
  expect(result.audio.remote).toEqual({ address: '198.51.100.7', port: 4_000, rtcpPort: 4_999 });
  expect(result.answer.join()).not.toMatch(/ice|mux|BUNDLE|candidate/);
});

test.each([
  ['no audio at all', offer().replace('m=audio', 'm=video'), 488],
  ['audio that is switched off', offer({ port: 0 }), 488],
  ['SRTP only', offer({ protocol: 'RTP/SAVP' }), 488],
  ['WebRTC only', offer({ protocol: 'UDP/TLS/RTP/SAVPF' }), 488],
  ['AVPF', offer({ protocol: 'RTP/AVPF' }), 488],
  ['no codec of ours', offer({ formats: '18 101' }), 488],
  ['an address of the other family', offer({ address: '2001:db8::1' }), 488],
  ['a multicast address', offer({ address: '224.2.1.1/127' }), 488],
  ['the broadcast address', offer({ address: '255.255.255.255' }), 488],
  ['a host name', offer({ address: 'phone.example.com' }), 488],
  ['no SDP', 'hello', 400],
])('an offer with %s is refused', (_name, text, status) => {
  expect(refusal(text).status).toBe(status);
});

test('the version of our origin counts only when our description changes', () => {
  const ours = description();
  const version = (text: string) => negotiate(text, ours).answer[1]?.split(' ')[2];
  expect(
    [offer(), offer(), offer({ direction: 'sendonly' }), offer({ port: 4_002, direction: 'sendonly' }), offer()].map(
      version,
    ),
  ).toEqual(['1', '1', '2', '2', '3']);
});

test('our own offer can be answered with one codec and another payload type for keys', () => {
  const ours = description();
  expect(ours.offer()).toContain('m=audio 10000 RTP/AVP 0 8 101\r\n');
  const audio = readAnswer(
    readDescription(offer({ formats: '8 96', audio: ['a=rtpmap:96 telephone-event/8000'] })),
    ours4,
  );
  expect(audio).toMatchObject({ codec: 'pcma', payloadType: 8, event: { payloadType: 96, clockHz: 8_000 } });
  expect([audio.receive.get(96), audio.receive.get(101)]).toEqual(['telephone-event', 'telephone-event']);
});

test('an answer to our offer that switches audio off is refused', () => {
  expect(() => readAnswer(readDescription(offer({ port: 0 })), ours4)).toThrow(OfferRefused);
});

test('an answer to the longest offer stays far below what drachtio takes (11,000 octets)', () => {
  const session = Array.from({ length: 15 }, (_, n) => `m=video ${n + 1} RTP/AVP ${'96 '.repeat(300).trim()}`);
  expect(negotiate(offer({ session })).answer.join('\r\n').length).toBeLessThan(2_000);
});
