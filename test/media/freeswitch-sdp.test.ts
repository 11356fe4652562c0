import { passableOffer, readSide, withDirection, withRtcpPort } from '../../src/media/freeswitch-sdp';
import { fakeSdp } from './fake-mrf';
import { offer } from './offers';

test('codec, keys and hold are read from whatever FreeSWITCH negotiates', () => {
  expect(readSide(offer())).toEqual({ direction: 'sendrecv', holds: false, codec: 'PCMU/8000', canTakeKeys: true });
  const opus = offer({ formats: '111', audio: ['a=rtpmap:111 opus/48000/2'], protocol: 'RTP/SAVP' });
  expect(readSide(opus)).toMatchObject({ codec: 'OPUS/48000/2', canTakeKeys: false });
  expect(readSide(offer({ formats: '9', audio: [] })).codec).toBe('G722/8000');
  expect(readSide(offer({ direction: 'sendonly' })).holds).toBe(true);
  expect(readSide(offer({ direction: 'inactive' })).holds).toBe(true);
  expect(readSide(offer({ direction: 'recvonly' })).holds).toBe(false);
  expect(readSide(offer({ address: '0.0.0.0' }))).toMatchObject({ direction: 'sendrecv', holds: true });
});

test.each([
  ['no SDP', 'hello', 400],
  ['no audio', offer({ protocol: 'RTP/AVP' }).replace('m=audio', 'm=video'), 488],
  ['audio with port 0', offer({ port: 0 }), 488],
  ['DTLS', offer({ protocol: 'UDP/TLS/RTP/SAVPF' }), 488],
])('%s is refused', (_what, sdp, status) => {
  expect(() => readSide(sdp)).toThrow(expect.objectContaining({ name: 'OfferRefused', status }));
});

test('an offer of SRTP is written so that fsmrf does not take it for DTLS', () => {
  const srtp = offer({ protocol: 'RTP/SAVP' });
  expect(passableOffer(srtp)).toBe(srtp.replace('RTP/SAVP', 'RTP/savp'));
  expect(passableOffer(offer())).toBe(offer());
});

test('an offer names its RTCP port, in the section of its audio, unless it has said where RTCP goes', () => {
  expect(withRtcpPort(offer())).toBe(`${offer()}a=rtcp:4001\r\n`);
  const two = `${offer()}m=video 6000 RTP/AVP 96\r\na=sendrecv\r\n`;
  expect(withRtcpPort(two)).toBe(two.replace('m=video', 'a=rtcp:4001\r\nm=video'));
  const bare = 'v=0\nm=audio 4000 RTP/AVP 0';
  expect(withRtcpPort(bare)).toBe(`${bare}\r\na=rtcp:4001\r\n`);
  for (const line of ['a=rtcp:9000', 'a=rtcp-mux']) {
    const named = offer({ audio: [line] });
    expect(withRtcpPort(named)).toBe(named);
  }
  expect(withRtcpPort(offer({ port: 0 }))).toBe(offer({ port: 0 }));
  expect(withRtcpPort('hello')).toBe('hello');
});

test('a direction takes the place of the one that was there', () => {
  expect(withDirection(fakeSdp('x'), 'sendonly')).toBe(fakeSdp('x', { direction: 'sendonly' }));
  const twice = `v=0\r\na=inactive\r\nm=audio 4 RTP/AVP 0\r\na=sendrecv\r\n\r\n`;
  expect(withDirection(twice, 'recvonly')).toBe('v=0\r\nm=audio 4 RTP/AVP 0\r\na=recvonly\r\n');
});
