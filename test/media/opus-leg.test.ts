import { frameMs } from '../../src/audio/pcm';
import { OfferRefused } from '../../src/media/media-leg';
import type { AudioSource } from '../../src/media/media-leg';
import type { RtpPacket } from '../../src/rtp/packet';
import { parseRtcp } from '../../src/rtp/rtcp';
import { celt20ms, fakeOpus, levelPacket } from '../audio/fake-opus';
import { dtmfTone } from '../audio/dtmf-tones';
import { rtpPacket } from '../rtp/rtp-packets';
import { legOnNetwork, phoneAddress, type LegOnNetwork } from './leg-on-network';
import { offer } from './offers';

const opusLine = 'a=rtpmap:96 opus/48000/2';
const lines = [
  opusLine,
  'a=fmtp:96 maxplaybackrate=48000;stereo=1;useinbandfec=1',
  'a=rtpmap:101 telephone-event/48000',
  'a=rtpmap:102 telephone-event/8000',
];
const opusOffer = offer({ formats: '96 0 101 102', audio: lines });
const options = { codecs: ['opus', 'pcmu', 'pcma'], opus: fakeOpus } as const;

let call: LegOnNetwork;

async function answered(offered = opusOffer): Promise<LegOnNetwork> {
  call = await legOnNetwork({ offered, options });
  call.phone.timestamp = 480_000;
  return call;
}

afterEach(() => {
  call.leg.close();
  call.clock.advance(100);
  expect(call.clock.pendingTimers).toBe(0);
});

/** The next packet of the phone's stream of Opus, `ms` long. */
function nextPacket(payload: Buffer, ms: number = frameMs): RtpPacket {
  const { phone } = call;
  const { sequence, timestamp, ssrc } = phone;
  phone.sequence = (sequence + 1) & 0xffff;
  phone.timestamp = (timestamp + ms * 48) >>> 0;
  return rtpPacket({ sequence, timestamp, ssrc, payload, payloadType: 96 });
}

/** Sends packets in real time, each with its level; undefined is lost on the way. */
function talk(levels: readonly (number | undefined)[], { header = celt20ms, frames = 1, ms = frameMs } = {}): void {
  for (const level of levels) {
    const packet = nextPacket(levelPacket(level ?? 0, { header, frames }), ms);
    if (level !== undefined) call.phone.send(packet);
    call.clock.advance(ms);
  }
}

/** The level of each frame that was heard; undefined: it has several. */
function heardLevels(): (number | undefined)[] {
  return call.listener.frames.map((frame) => (frame.every((sample) => sample === frame[0]) ? frame[0] : undefined));
}

/** A source whose samples count up, so that one that is lost or changed is seen. */
class RampSource implements AudioSource {
  #next = 0;
  pull(frame: Int16Array): void {
    for (let i = 0; i < frame.length; i += 1) frame[i] = this.#next++ % 10_000;
  }
}

const hundred = Array.from({ length: 100 }, (_, n) => 100 + n);

describe('an offer with Opus', () => {
  test('is answered with Opus alone, mono, and with keys at its clock', async () => {
    const { answer, leg } = await answered();
    expect(answer.split('\r\n').slice(5)).toEqual([
      `m=audio ${/audio (\d+)/.exec(answer)?.[1]} RTP/AVP 96 101`,
      opusLine,
      'a=fmtp:96 maxplaybackrate=24000;sprop-maxcapturerate=24000;stereo=0;useinbandfec=0',
      'a=rtpmap:101 telephone-event/48000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
    expect(leg.rateHz).toBe(24_000);
    expect(leg.stats.codec).toBe('OPUS/48000/2');
  });

  test('that has keys at 8 kHz alone keeps those', async () => {
    const audio = [opusLine, 'a=rtpmap:101 telephone-event/8000'];
    const { answer } = await answered(offer({ formats: '96 101', audio }));
    expect(answer).toContain('RTP/AVP 96 101\r\n');
    expect(answer).toContain('a=rtpmap:101 telephone-event/8000\r\n');
  });

  test.each([
    ['the caller likes another codec better', '0 96 101 102', '0 102'],
    ['Opus is not in stereo form, which no Opus is', '97 0 102', '0 102'],
  ])('is answered with G.711 when %s', async (_name, formats, expected) => {
    const { answer, leg } = await answered(offer({ formats, audio: [...lines, 'a=rtpmap:97 opus/48000'] }));
    expect(answer).toContain(`RTP/AVP ${expected}\r\n`);
    expect(leg.rateHz).toBe(8_000);
  });

  test('and nothing else is refused where Opus is not there, and the refusal says so', async () => {
    await answered();
    const without = await call.factory.create({ callId: 'other', signallingAddress: phoneAddress.address });
    without.close();
    const refused = legOnNetwork({ offered: offer({ formats: '96', audio: lines }) });
    await expect(refused).rejects.toThrow(OfferRefused);
    await expect(refused).rejects.toThrow('no G.711 codec, and Opus is not there (docs/opus.md)');
  });
});

describe('in Opus the caller is heard', () => {
  test('without any sample changed, at 24 kHz', async () => {
    const { phone, listener, clock } = await answered();
    const speech = Int16Array.from({ length: 480 * 50 }, (_, i) => Math.round(9_000 * Math.sin(i ** 1.3 / 50)));
    for (let at = 0; at < speech.length; at += 480) {
      const samples = speech.slice(at, at + 480);
      phone.send(nextPacket(Buffer.concat([Buffer.from([celt20ms]), Buffer.from(samples.buffer)])));
      clock.advance(20);
    }
    expect(listener.samples).toEqual(speech);
  });

  test.each([
    ['2.5 ms', { header: 28 << 3, ms: 2.5 }],
    ['5 ms', { header: 29 << 3, ms: 5 }],
    ['10 ms', { header: 30 << 3, ms: 10 }],
    ['40 ms', { header: 10 << 3, ms: 40 }],
    ['60 ms', { header: 11 << 3, ms: 60 }],
    ['three times 20 ms', { frames: 3, ms: 60 }],
    ['six times 20 ms', { frames: 6, ms: 120 }],
  ])('in packets of %s, none of it twice or lost', async (_name, format) => {
    const { leg, listener } = await answered();
    talk(
      hundred.map(() => 500),
      format,
    );
    const sentMs = 100 * format.ms;
    expect(listener.heardMs).toBeGreaterThanOrEqual(sentMs - 20);
    expect(listener.heardMs).toBeLessThanOrEqual(sentMs);
    expect(new Set(heardLevels())).toEqual(new Set([500]));
    expect(leg.stats).toMatchObject({ framesConcealed: 0, framesSilenced: 0, packetsLost: 0 });
  });

  test('in packets whose length changes from one to the next', async () => {
    const { listener } = await answered();
    for (let n = 0; n < 20; n += 1) {
      talk([500], { header: 30 << 3, ms: 10 });
      talk([500], { header: 11 << 3, ms: 60 });
      talk([500], { frames: 6, ms: 120 });
    }
    expect(listener.heardMs).toBe(20 * 190 - 20 + 20);
    expect(new Set(heardLevels())).toEqual(new Set([500]));
  });

  test('through losses, which the decoder fills, and never for longer than 60 ms', async () => {
    const { leg, clock } = await answered();
    talk([800, 800, undefined, 800, 800, ...Array<undefined>(6).fill(undefined), 800, 800]);
    // Those after the long gap wait for what might still come.
    clock.advance(5);
    // Made up by halves, once for one lost frame and for three of six; the rest is silence.
    expect(heardLevels()).toEqual([800, 800, 400, 800, 800, 400, 200, 100, 0, 0, 0, 800, 800]);
    expect(leg.stats).toMatchObject({ framesConcealed: 4, framesSilenced: 3, packetsLost: 7 });
  });

  test('through pauses in which it sends nothing (DTX), as silence of the same length', async () => {
    const { clock, phone, listener, leg } = await answered();
    talk([800, 800]);
    clock.advance(400);
    phone.timestamp = (phone.timestamp + 400 * 48) >>> 0;
    talk([800, 800]);
    expect(listener.heardMs).toBe(4 * 20 + 400);
    expect(heardLevels().slice(0, 2)).toEqual([800, 800]);
    expect(heardLevels().slice(-2)).toEqual([800, 800]);
    expect(leg.stats.packetsLost).toBe(0);
  });

  test('though some packets are no Opus: they are counted, and are as good as lost', async () => {
    const { phone, clock, leg, listener } = await answered();
    talk([800]);
    for (const garbage of [Buffer.alloc(0), Buffer.from([celt20ms, 1]), Buffer.from([celt20ms | 3, 9, 1, 2])]) {
      phone.send(nextPacket(garbage));
      clock.advance(20);
      talk([800]);
    }
    expect(leg.stats.dropped).toEqual({ 'bad-opus-packet': 3 });
    expect(heardLevels()).toEqual([800, 400, 800, 400, 800, 400, 800]);
    expect(listener.failures).toEqual([]);
  });

  test('in order through a wrap of the timestamp', async () => {
    const { phone } = await answered();
    phone.timestamp = 0x1_0000_0000 - 10 * 960;
    phone.sequence = 65_530;
    talk(hundred);
    expect(heardLevels()).toEqual(hundred);
  });

  test('and keys come with the clock of the audio, in one piece', async () => {
    const { phone, listener, clock, leg } = await answered();
    talk([800]);
    const timestamp = phone.timestamp;
    for (let n = 1; n <= 5; n += 1) {
      const event = { ...nextPacket(Buffer.alloc(0)), payloadType: 101, timestamp };
      const duration = n * 960;
      phone.send({ ...event, payload: Buffer.from([5, n === 5 ? 0x8a : 0x0a, duration >> 8, duration & 0xff]) });
      clock.advance(20);
    }
    talk([800, 800]);
    expect(listener.digits).toBe('5');
    expect(leg.stats).toMatchObject({ digits: 1, dropped: {}, framesConcealed: 0 });
    expect(listener.heardMs).toBe(8 * 20);
  });

  test('and keys that come as tones, where no events were agreed on, are told and hushed', async () => {
    const { phone, clock, listener } = await answered(offer({ formats: '96', audio: [opusLine] }));
    const tone = dtmfTone('7', { ms: 200, rateHz: 24_000 });
    for (let at = 0; at + 480 <= tone.length; at += 480) {
      const samples = tone.slice(at, at + 480);
      phone.send(nextPacket(Buffer.concat([Buffer.from([celt20ms]), Buffer.from(samples.buffer)])));
      clock.advance(20);
    }
    expect(listener.digits).toBe('7');
    expect(listener.frames.filter((frame) => frame.some((sample) => sample !== 0)).length).toBeLessThanOrEqual(2);
  });

  test('with a jitter that is told in milliseconds', async () => {
    const { phone, clock, leg } = await answered();
    for (let n = 0; n < 200; n += 1) {
      phone.send(nextPacket(levelPacket(500)));
      clock.advance(n % 2 === 0 ? 10 : 30);
    }
    expect(leg.stats.jitterMs).toBeGreaterThan(8);
    expect(leg.stats.jitterMs).toBeLessThan(12);
  });
});

describe('in Opus the agent is heard', () => {
  test('in packets of 20 ms at a clock of 48 kHz, without any sample changed', async () => {
    call = await legOnNetwork({ offered: opusOffer, options });
    const { clock, phone, leg } = call;
    clock.advance(1_000);
    const packets = phone.received.map(({ packet }) => packet);
    expect(packets).toHaveLength(50);
    const steps = packets.slice(1).map((packet, n) => (packet.timestamp - packets[n]!.timestamp) >>> 0);
    expect(new Set(steps)).toEqual(new Set([960]));
    expect(new Set(packets.map(({ payloadType }) => payloadType))).toEqual(new Set([96]));
    const decoder = fakeOpus(24_000);
    const levels = packets.map(({ payload }) => decoder.decode(payload)?.[0]);
    expect(levels).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(leg.stats.packetsSent).toBe(50);
  });

  test('keys have durations of the same clock, and timestamps that go on', async () => {
    const { clock, phone, leg } = await answered();
    clock.advance(100);
    expect(leg.sendDigit('9', 100)).toBe(true);
    clock.advance(300);
    const events = phone.received.map(({ packet }) => packet).filter(({ payloadType }) => payloadType === 101);
    expect(events.map(({ payload }) => (payload[2]! << 8) | payload[3]!)).toEqual([
      ...[960, 1_920, 2_880, 3_840, 4_800],
      ...[4_800, 4_800],
    ]);
    const audio = phone.received.map(({ packet }) => packet).filter(({ payloadType }) => payloadType === 96);
    expect((audio.at(-1)!.timestamp - audio[0]!.timestamp) >>> 0).toBe((phone.received.length - 1) * 960);
  });

  test('a key that is held for seconds ends before its duration overflows', async () => {
    const { clock, phone, leg } = await answered();
    leg.sendDigit('9', 6_000);
    clock.advance(3_000);
    const events = phone.received.map(({ packet }) => packet).filter(({ payloadType }) => payloadType === 101);
    expect(events.map(({ payload }) => (payload[2]! << 8) | payload[3]!).at(-1)).toBe(68 * 960);
    expect(events.at(-1)!.payload[1]! & 0x80).toBe(0x80);
  });

  test('sender reports tell the time by its clock', async () => {
    const { clock, phone } = await answered();
    clock.advance(8_000);
    const [first] = parseRtcp(phone.receivedRtcp[0]!);
    if (typeof first !== 'object' || first.kind !== 'sender-report') throw new Error('no sender report');
    const { rtpTimestamp, packets } = first.sender;
    const sinceFirst = (rtpTimestamp - phone.received[0]!.packet.timestamp) >>> 0;
    expect(sinceFirst / 960).toBeGreaterThanOrEqual(packets - 1);
    expect(sinceFirst / 960).toBeLessThanOrEqual(packets + 1);
  });
});

describe('a re-INVITE', () => {
  test('from Opus to G.711 and back is heard on both sides, and the rate of the leg stays', async () => {
    const { leg, phone, clock, listener } = await answered();
    talk([800, 800, 800]);
    const before = phone.received.at(-1)!.packet;

    const answer = await leg.modify(offer({ formats: '0 102', audio: lines }));
    expect(answer).toContain('RTP/AVP 0 102\r\n');
    expect(leg.rateHz).toBe(24_000);
    phone.timestamp = 7_000;
    phone.ssrc = 99;
    listener.frames.length = 0;
    phone.talk(50);
    expect(new Set(listener.frames.map(({ length }) => length))).toEqual(new Set([480]));
    expect(listener.heardMs).toBeGreaterThanOrEqual(50 * 20);
    expect(leg.stats.codec).toBe('PCMU/8000');
    const g711 = phone.received.filter(({ packet }) => packet.payloadType === 0).map(({ packet }) => packet);
    expect(g711.length).toBeGreaterThan(40);
    expect(new Set(g711.map(({ payload }) => payload.length))).toEqual(new Set([160]));
    const steps = g711.slice(1).map((packet, n) => (packet.timestamp - g711[n]!.timestamp) >>> 0);
    expect(new Set(steps)).toEqual(new Set([160]));
    // Another clock is another stream (RFC 7160).
    expect(g711[0]!.ssrc).not.toBe(before.ssrc);

    await leg.modify(opusOffer);
    phone.timestamp = 1_000_000;
    phone.ssrc = 100;
    clock.advance(20);
    listener.frames.length = 0;
    talk(hundred);
    expect(heardLevels().slice(-90)).toEqual(hundred.slice(-90));
    expect(leg.stats.packetsSent).toBe(phone.received.length);
  });

  test('from G.711 to Opus keeps the 8 kHz that the call was begun with', async () => {
    const { leg, phone, listener } = await answered(offer());
    phone.talk(3);
    await leg.modify(opusOffer);
    expect(leg.rateHz).toBe(8_000);
    phone.timestamp = 1_000_000;
    phone.ssrc = 99;
    listener.frames.length = 0;
    talk(hundred);
    expect(heardLevels().slice(-90)).toEqual(hundred.slice(-90));
    expect(new Set(listener.frames.map(({ length }) => length))).toEqual(new Set([160]));
    const last = phone.received.at(-1)!.packet;
    expect(last.payloadType).toBe(96);
    expect(fakeOpus(8_000).decode(last.payload)).toHaveLength(160);
  });

  test('without SDP is offered Opus again, under the payload types of the caller', async () => {
    const { leg, phone } = await answered();
    talk([800]);
    const sdp = await leg.offer();
    expect(sdp).toContain('RTP/AVP 96 101 0 8 102\r\n');
    expect(sdp.match(/a=rtpmap:.*/g)).toEqual([
      ...[opusLine, 'a=rtpmap:101 telephone-event/48000', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000'],
      'a=rtpmap:102 telephone-event/8000',
    ]);
    await leg.acceptAnswer(opusOffer);
    expect(leg.stats.codec).toBe('OPUS/48000/2');
    const { ssrc } = phone.received.at(-1)!.packet;
    talk(hundred);
    expect(heardLevels().slice(1)).toEqual(hundred);
    expect(phone.received.at(-1)!.packet.ssrc).toBe(ssrc);
  });

  test('that is refused leaves Opus as it was', async () => {
    const { leg } = await answered();
    await expect(leg.modify(offer({ formats: '18', audio: [] }))).rejects.toMatchObject({ status: 488 });
    talk(hundred);
    expect(heardLevels()).toEqual(hundred);
  });
});

describe('an offer of ours', () => {
  test('has no Opus unless it was asked for, and no answer can bring it in', async () => {
    await answered();
    const leg = await call.factory.create({ callId: 'late', signallingAddress: phoneAddress.address });
    expect(await leg.offer()).not.toContain('opus');
    await expect(leg.acceptAnswer(offer({ formats: '96', audio: lines }))).rejects.toThrow(OfferRefused);
    await leg.acceptAnswer(offer());
    expect(leg.rateHz).toBe(8_000);
    leg.close();
  });

  test('lists it where a trunk does, and the answer decides on the rate', async () => {
    await answered();
    const codecs = ['opus', 'pcma'] as const;
    const legs = await Promise.all(
      ['one', 'two'].map((callId) => call.factory.create({ callId, signallingAddress: phoneAddress.address, codecs })),
    );
    const sdp = await legs[0]!.offer();
    expect(sdp).toContain('RTP/AVP 96 8 110 101\r\n');
    expect(sdp).toContain('a=rtpmap:110 telephone-event/48000\r\n');
    expect(sdp).toContain('a=fmtp:96 maxplaybackrate=24000;');
    await legs[0]!.acceptAnswer(offer({ formats: '96 110', audio: [opusLine, 'a=rtpmap:110 telephone-event/48000'] }));
    await legs[1]!.acceptAnswer(offer({ formats: '8', audio: [] }));
    expect(legs.map(({ rateHz }) => rateHz)).toEqual([24_000, 8_000]);
    for (const leg of legs) leg.close();
  });
});

test('a long stream of samples goes out whole', async () => {
  await answered();
  const { clock, phone, factory, frameClock } = call;
  expect(frameClock.subscribers).toBe(1);
  const leg = await factory.create({ callId: 'ramp', signallingAddress: phoneAddress.address });
  await leg.answer(offer({ port: phoneAddress.port, formats: '96', audio: lines }));
  call.leg.close();
  phone.received.length = 0;
  leg.start(call.listener, new RampSource());
  clock.advance(2_000);
  const decoder = fakeOpus(24_000);
  const samples = phone.received.flatMap(({ packet }) => [...(decoder.decode(packet.payload) ?? [])]);
  expect(samples).toEqual(Array.from({ length: samples.length }, (_, i) => i % 10_000));
  expect(samples.length).toBe(100 * 480);
  leg.close();
});
