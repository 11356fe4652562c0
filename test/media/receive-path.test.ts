import { encodeG711 } from '../../src/audio/g711';
import { amplitudeOf, levelDbfs } from '../../src/audio/level';
import { ToneGenerator } from '../../src/audio/tone';
import { ReceivePath } from '../../src/media/receive-path';
import type { RtpPacket } from '../../src/rtp/packet';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { dtmfTone } from '../audio/dtmf-tones';
import { nthPacket } from '../rtp/rtp-packets';

const loud = 0x20;

function underTest() {
  const clock = new VirtualClock();
  const frames: { atMs: number; samples: Int16Array }[] = [];
  const path = new ReceivePath({
    clock,
    sink: {
      onFrame: (frame) => void frames.push({ atMs: clock.now(), samples: Int16Array.from(frame) }),
      onDigit: () => undefined,
    },
  });
  path.setPayloadKinds(new Map([[0, 'pcmu']]));
  const receive = (n: number, { samples = 160, code = loud } = {}): void =>
    path.receive(packet(n, samples, code), clock.now());
  return { clock, frames, path, receive };
}

/** The n-th packet of a stream whose packets are `samples` long. */
function packet(n: number, samples: number, code: number): RtpPacket {
  return { ...nthPacket(n), timestamp: (160_000 + n * samples) >>> 0, payload: Buffer.alloc(samples, code) };
}

test('a sender whose clock is 300 ppm slow or fast for ten minutes causes no concealment and no delay', () => {
  for (const ppm of [300, -300]) {
    const { clock, frames, path, receive } = underTest();
    const packets = 30_000;
    let nextTickMs = 20;
    for (let n = 0; n < packets; n += 1) {
      receive(n);
      clock.advance(20 * (1 + ppm / 1e6));
      for (; nextTickMs <= clock.now(); nextTickMs += 20) path.tick(nextTickMs);
    }
    expect(frames).toHaveLength(packets);
    expect(path).toMatchObject({ framesConcealed: 0, framesSilenced: 0, framesShortened: 0 });
    path.close();
  }
});

test('after a stall of our own process what waits in the kernel is read before anything is filled in', () => {
  const { clock, frames, path, receive } = underTest();
  for (let n = 0; n < 10; n += 1) {
    receive(n);
    path.tick(clock.now());
    clock.advance(20);
  }
  clock.advance(300);
  // Timers come before sockets in a turn of the event loop.
  path.tick(clock.now());
  for (let n = 10; n < 25; n += 1) receive(n);
  clock.advance(20);
  path.tick(clock.now());
  expect(frames).toHaveLength(25);
  expect(path).toMatchObject({ framesConcealed: 0, framesSilenced: 0 });
});

test('while packets wait to be read nothing is filled in', () => {
  const { clock, frames, path, receive } = underTest();
  receive(0);
  for (let n = 1; n < 10; n += 1) {
    clock.advance(20);
    path.waitWithFilling(clock.now());
    path.tick(clock.now());
  }
  for (let n = 1; n < 10; n += 1) receive(n);
  expect(frames).toHaveLength(10);
  expect(path).toMatchObject({ framesConcealed: 0, framesSilenced: 0 });
});

test('silence flows one frame each 20 ms, not in a heap', () => {
  const { clock, frames, path, receive } = underTest();
  receive(0);
  for (let n = 0; n < 50; n += 1) {
    clock.advance(20);
    path.tick(clock.now());
  }
  const gaps = frames.slice(2).map(({ atMs }, n) => atMs - frames[n + 1]!.atMs);
  expect(new Set(gaps)).toEqual(new Set([20]));
  expect(frames.at(-1)!.atMs).toBe(1_000);
});

test('what was filled in begins as a fading repetition and is silent after 60 ms', () => {
  const { clock, frames, path, receive } = underTest();
  for (let n = 0; n < 5; n += 1) {
    receive(n);
    clock.advance(20);
  }
  for (let n = 0; n < 10; n += 1) {
    clock.advance(20);
    path.tick(clock.now());
  }
  const silent = frames.slice(5).map(({ samples }) => samples.every((sample) => sample === 0));
  expect(silent.slice(0, 5)).toEqual([false, false, false, true, true]);
});

test('in packets of 30 ms a lost one is filled with 30 ms', () => {
  const { clock, frames, path, receive } = underTest();
  for (let n = 0; n < 20; n += 1) {
    if (n !== 10) receive(n, { samples: 240 });
    clock.advance(30);
  }
  expect(frames).toHaveLength(30);
  expect(path.reorder.lost).toBe(1);
});

test('in packets of 60 ms the pauses between them are no stop', () => {
  const { clock, frames, path, receive } = underTest();
  for (let n = 0; n < 50; n += 1) {
    receive(n, { samples: 480 });
    for (let tick = 0; tick < 3; tick += 1) {
      clock.advance(20);
      path.tick(clock.now());
    }
  }
  expect(frames).toHaveLength(150);
  expect(path).toMatchObject({ framesConcealed: 0, framesSilenced: 0 });
});

test('a frame that is cut out of speech is blended, so that there is no click', () => {
  const { clock, frames, path } = underTest();
  // 2.2 periods a frame: a bare cut would jump by a fifth of one.
  const speech = new ToneGenerator(8_000, 110, -10);
  const samples = new Int16Array(160);
  const next = (n: number): void => {
    speech.fill(samples);
    const payload = Buffer.alloc(160);
    encodeG711('pcmu', samples, payload);
    path.receive({ ...packet(n, 160, loud), payload }, clock.now());
  };
  for (let n = 0; n < 10; n += 1) {
    next(n);
    clock.advance(20);
    path.tick(clock.now());
  }
  for (let n = 0; n < 25; n += 1) {
    clock.advance(20);
    path.tick(clock.now());
  }
  const filled = frames.length;
  for (let n = 10; n < 35; n += 1) next(n);
  expect(path.framesShortened).toBeGreaterThan(0);
  const burst = frames.slice(filled + 1).flatMap((frame) => [...frame.samples]);
  const steps = burst.slice(1).map((sample, i) => Math.abs(sample - burst[i]!));
  const steepest = amplitudeOf(-10) * ((2 * Math.PI * 110) / 8_000);
  expect(Math.max(...steps)).toBeLessThan(1.5 * steepest);
});

test('a gap of thousands of packets is filled with 500 ms at most', () => {
  const { clock, frames, receive } = underTest();
  receive(0);
  receive(2_000);
  clock.advance(50);
  expect(frames.length).toBeLessThanOrEqual(27);
});

test('a payload without samples is neither audio nor a gap', () => {
  const { frames, path, receive } = underTest();
  receive(0);
  path.receive({ ...packet(1, 160, loud), payload: Buffer.alloc(0) }, 0);
  path.receive({ ...packet(1, 160, loud), sequence: 1_002 }, 0);
  expect(frames).toHaveLength(2);
  expect(path.framesConcealed).toBe(0);
});

describe('keys that come as tones', () => {
  function keysOf(kinds: ReadonlyMap<number, 'pcmu' | 'telephone-event'>) {
    const clock = new VirtualClock();
    const keys: string[] = [];
    const levels: number[] = [];
    const onFrame = (frame: Int16Array): void => void levels.push(levelDbfs(frame));
    const path = new ReceivePath({ clock, sink: { onFrame, onDigit: (key) => void keys.push(key) } });
    path.setPayloadKinds(kinds);
    const sound = Int16Array.from([...new Int16Array(800), ...dtmfTone('7', { ms: 200 }), ...new Int16Array(800)]);
    for (let n = 0; n * 160 < sound.length; n += 1) {
      const payload = Buffer.alloc(160);
      encodeG711('pcmu', sound.subarray(n * 160, n * 160 + 160), payload);
      path.receive({ ...nthPacket(n), timestamp: 160_000 + n * 160, payload }, clock.now());
      clock.advance(20);
    }
    return { keys, levels, counted: path.keys.digits };
  }

  test('are told where no telephone-event was agreed on, and are kept from the model but for their first moment', () => {
    const { keys, levels, counted } = keysOf(new Map([[0, 'pcmu']]));
    expect(keys).toEqual(['7']);
    expect(counted).toBe(1);
    expect(levels.filter((level) => level > -40).length).toBeLessThanOrEqual(1);
  });

  test('are sound like any other where it was', () => {
    const { keys, levels } = keysOf(
      new Map([
        [0, 'pcmu'],
        [101, 'telephone-event'],
      ]),
    );
    expect(keys).toEqual([]);
    expect(levels.filter((level) => level > -40)).toHaveLength(10);
  });
});
