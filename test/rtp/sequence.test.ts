import { extendSequence, sequenceDelta, SequenceTracker, timestampDelta } from '../../src/rtp/sequence';
import { nthPacket, rtpPacket } from './rtp-packets';

test.each([
  [65_535, 0, 1],
  [0, 65_535, -1],
  [65_000, 500, 1_036],
  [10, 10, 0],
])('from sequence %d to %d it is %d packets', (from, to, delta) => {
  expect(sequenceDelta({ from, to })).toBe(delta);
});

test.each([
  [0xffff_ff60, 0, 160],
  [0, 0xffff_ff60, -160],
  [160, 320, 160],
])('from timestamp %d to %d it is %d samples', (from, to, delta) => {
  expect(timestampDelta({ from, to })).toBe(delta);
});

test('numbers are extended past the wrap, in both directions', () => {
  expect(extendSequence({ reference: 65_535, sequence: 2 })).toBe(65_538);
  expect(extendSequence({ reference: 65_538, sequence: 65_534 })).toBe(65_534);
});

describe('a tracker', () => {
  function following(): SequenceTracker {
    const tracker = new SequenceTracker();
    for (let n = 0; n < 10; n += 1) tracker.place(nthPacket(n));
    return tracker;
  }

  test('follows a stream through the wrap', () => {
    const tracker = new SequenceTracker();
    const placements = Array.from({ length: 10 }, (_, n) => tracker.place(nthPacket(n, { sequence: 65_530 })));
    expect(placements).toEqual(['first', ...Array<string>(9).fill('current')]);
    expect(tracker.highest - tracker.firstCycle).toBe(65_539);
  });

  test('takes a late packet and a gap of a minute for the same stream', () => {
    const tracker = following();
    expect(tracker.place(nthPacket(5))).toBe('current');
    expect(tracker.place(nthPacket(2_900))).toBe('current');
  });

  test('believes a jump of the sequence at the second packet', () => {
    const tracker = following();
    expect(tracker.place(nthPacket(20_000))).toBe('suspect');
    expect(tracker.place(nthPacket(20_001))).toBe('restarted');
    expect(tracker.place(nthPacket(20_002))).toBe('current');
  });

  test('believes another SSRC at its second packet in a row', () => {
    const tracker = following();
    expect(tracker.place(nthPacket(10, { ssrc: 7 }))).toBe('suspect');
    expect(tracker.place(nthPacket(11, { ssrc: 7 }))).toBe('restarted');
  });

  test('is not taken away by single strays between the packets of its stream', () => {
    const tracker = following();
    for (let n = 10; n < 20; n += 1) {
      expect(tracker.place(nthPacket(n, { ssrc: 7 }))).toBe('suspect');
      expect(tracker.place(nthPacket(n))).toBe('current');
    }
  });

  test('sees a sender that counts again from a little lower, because its timestamps go on', () => {
    const tracker = following();
    const sender = (n: number) => rtpPacket({ sequence: 1_003 + n, timestamp: 160_000 + (10 + n) * 160 });
    expect(tracker.place(sender(0))).toBe('suspect');
    expect(tracker.place(sender(1))).toBe('restarted');
  });
});
