import { loadOpus, opusBy, OpusConcealment, type CreateOpus, type OpusVoice } from '../../src/audio/opus';
import { levelDbfs } from '../../src/audio/level';
import { ToneGenerator } from '../../src/audio/tone';
import { seededRandom } from '../../src/runtime/random';
import { speechLike } from '../../src/simulator/speech-like';
import { describeWith } from '../support/installed';
import { dominantHz, levelDb } from '../support/spectrum';
import { celt20ms, FakeOpusBinding, fakeOpus, levelPacket } from './fake-opus';

function bound(rateHz: 8_000 | 24_000 = 24_000): { opus: OpusVoice; binding: FakeOpusBinding } {
  const made: FakeOpusBinding[] = [];
  class Kept extends FakeOpusBinding {
    constructor(rate: number, channels: number) {
      super(rate, channels);
      made.push(this);
    }
  }
  const opus = opusBy(Kept)(rateHz);
  return { opus, binding: made[0]! };
}

const usual = { playbackHzMax: 48_000, bitrateMax: 510_000, canUseFec: false, constantBitrate: false };
const [setApplication, setMaxBandwidth, setVbr, setInbandFec, setExpectedLoss] = [4_000, 4_004, 4_006, 4_012, 4_014];

describe('the codec of a stream', () => {
  test('is mono, at the rate of the stream, and for speech', () => {
    const { binding } = bound();
    expect(binding).toMatchObject({ rateHz: 24_000, channels: 1, bitrate: 32_000 });
    expect(binding.requests.get(setApplication)).toBe(2_048);
    expect(bound(8_000).binding).toMatchObject({ rateHz: 8_000, bitrate: 16_000 });
  });

  test('gives back what it was given, frame for frame, also from another array', () => {
    const opus = fakeOpus(24_000);
    const frame = Int16Array.from({ length: 480 }, (_, i) => i - 240);
    expect(opus.decode(opus.encode(frame))).toEqual(frame);
    frame.fill(7);
    expect(opus.decode(opus.encode(frame))).toEqual(frame);
    expect(opus.decode(opus.encode(new Int16Array(480).fill(9)))).toEqual(new Int16Array(480).fill(9));
  });

  test('takes neither an empty packet, which libopus would fill 240 ms for, nor one that it refuses', () => {
    const { opus, binding } = bound();
    expect(opus.decode(Buffer.alloc(0))).toBeUndefined();
    expect(opus.decode(Buffer.from([celt20ms, 1]))).toBeUndefined();
    expect(binding.madeUpMs).toEqual([]);
  });

  test.each([
    [4_000, 1_101],
    [8_000, 1_101],
    [12_000, 1_102],
    [16_000, 1_103],
    [24_000, 1_104],
    [48_000, 1_105],
  ])('sends nothing that a decoder at %d Hz cannot play', (playbackHzMax, bandwidth) => {
    const { opus, binding } = bound();
    opus.limit({ ...usual, playbackHzMax });
    expect(binding.requests.get(setMaxBandwidth)).toBe(bandwidth);
  });

  test('keeps to the bitrate of the far side, and repairs losses where that is understood', () => {
    const { opus, binding } = bound();
    opus.limit({ ...usual, bitrateMax: 20_000, canUseFec: true, constantBitrate: true });
    expect(binding.bitrate).toBe(20_000);
    expect([setInbandFec, setExpectedLoss, setVbr].map((request) => binding.requests.get(request))).toEqual([1, 5, 0]);
    opus.limit(usual);
    expect(binding.bitrate).toBe(32_000);
    expect([setInbandFec, setExpectedLoss, setVbr].map((request) => binding.requests.get(request))).toEqual([0, 0, 1]);
  });
});

describe('what was lost', () => {
  test('is made up by the decoder, in frames as long as those before', () => {
    const { opus, binding } = bound();
    expect(opus.conceal()).toBeUndefined();
    const silk60ms = 11 << 3;
    opus.decode(levelPacket(800, { header: silk60ms }));
    expect(opus.conceal()).toEqual(new Int16Array(1_440).fill(400));
    opus.decode(levelPacket(800, { frames: 6 }));
    expect(opus.conceal()).toEqual(new Int16Array(480).fill(400));
    expect(binding.madeUpMs).toEqual([60, 20]);
  });

  test('is filled to the sample, and what is left of a frame is heard next, until a good one comes', () => {
    const { opus, binding } = bound();
    const concealment = new OpusConcealment(opus);
    opus.decode(levelPacket(800));
    const out = new Int16Array(300);
    concealment.conceal(out);
    concealment.conceal(out);
    expect(out.subarray(0, 180)).toEqual(new Int16Array(180).fill(400));
    expect(out.subarray(180)).toEqual(new Int16Array(120).fill(200));
    expect(binding.madeUpMs).toHaveLength(2);
    concealment.good();
    concealment.conceal(out);
    expect(out).toEqual(new Int16Array(300).fill(100));
  });

  test('is silence before the first packet', () => {
    const out = new Int16Array(480).fill(5);
    new OpusConcealment(fakeOpus(24_000)).conceal(out);
    expect(out).toEqual(new Int16Array(480));
  });
});

describeWith('opus')('libopus', () => {
  const create = loadOpus() as CreateOpus;

  /** Two tones, in frames of 20 ms. */
  function tones(frames: number, rateHz: number, hz: readonly number[]): Int16Array[] {
    const generators = hz.map((one) => new ToneGenerator(rateHz, one, -16));
    return Array.from({ length: frames }, () => {
      const parts = generators.map((generator) => {
        const part = new Int16Array(rateHz / 50);
        generator.fill(part);
        return part;
      });
      return parts[0]!.map((sample, i) => sample + (parts[1]?.[i] ?? 0));
    });
  }

  function throughWire(opus: OpusVoice, frames: readonly Int16Array[]): Int16Array {
    return Int16Array.from(frames.flatMap((frame) => [...opus.decode(Buffer.from(opus.encode(frame)))!]));
  }

  test('carries 1 kHz and 6 kHz at 24 kHz', () => {
    const heard = throughWire(create(24_000), tones(100, 24_000, [1_010, 6_010])).subarray(12_000);
    expect(levelDb(heard, 24_000, 1_010)).toBeGreaterThan(-19);
    expect(levelDb(heard, 24_000, 6_010)).toBeGreaterThan(-19);
  });

  test('carries nothing of 6 kHz to a decoder that plays 8 kHz', () => {
    const opus = create(24_000);
    opus.limit({ ...usual, playbackHzMax: 8_000 });
    const heard = throughWire(opus, tones(100, 24_000, [1_010, 6_010])).subarray(12_000);
    expect(levelDb(heard, 24_000, 1_010)).toBeGreaterThan(-19);
    expect(levelDb(heard, 24_000, 6_010)).toBeLessThan(-50);
  });

  test('at 8 kHz understands what was sent at 24 kHz, and the other way round', () => {
    const [wide, narrow] = [create(24_000), create(8_000)];
    const down = tones(100, 24_000, [1_010]).flatMap((frame) => [...narrow.decode(Buffer.from(wide.encode(frame)))!]);
    expect(dominantHz(Int16Array.from(down).subarray(4_000), 8_000)).toBeCloseTo(1_010, 0);
    const up = tones(100, 8_000, [1_010]).flatMap((frame) => [...wide.decode(Buffer.from(narrow.encode(frame)))!]);
    expect(dominantHz(Int16Array.from(up).subarray(12_000), 24_000)).toBeCloseTo(1_010, 0);
  });

  test('makes up one frame for each that is lost, as loud as what was said', () => {
    const opus = create(24_000);
    const speech = speechLike({ lengthMs: 2_000, random: seededRandom(3) }).samples;
    const levels: number[] = [];
    for (let at = 0; at + 480 <= speech.length; at += 480) {
      const heard = opus.decode(Buffer.from(opus.encode(speech.subarray(at, at + 480))))!;
      if (levelDbfs(heard) < -30) continue;
      const madeUp = opus.conceal()!;
      expect(madeUp).toHaveLength(480);
      levels.push(levelDbfs(madeUp) - levelDbfs(heard));
    }
    levels.sort((one, other) => one - other);
    expect(levels.length).toBeGreaterThan(20);
    expect(levels[Math.floor(levels.length / 2)]).toBeGreaterThan(-6);
  });

  test.each([
    ['one octet that promises frames', Buffer.from([0xff])],
    ['two frames of unlike length that are not there', Buffer.from([celt20ms | 2, 200])],
    ['240 ms', Buffer.from([(11 << 3) | 3, 4, 1, 2, 3, 4])],
  ])('refuses %s', (_name, packet) => {
    expect(create(24_000).decode(packet)).toBeUndefined();
  });

  test('survives ten thousand packets of noise', () => {
    const opus = create(24_000);
    let state = 1;
    const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16;
    for (let n = 0; n < 10_000; n += 1) {
      const samples = opus.decode(Buffer.from(Array.from({ length: next() % 60 }, () => next() & 0xff)));
      expect(samples === undefined || (samples.length > 0 && samples.length <= 2_880)).toBe(true);
    }
  });
});
