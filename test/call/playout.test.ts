import type { PcmFrame } from '../../src/audio/pcm';
import { Playout } from '../../src/call/playout';

const frameSamples = 160;

interface Heard {
  frames: number[][];
  started: string[];
  drained: number;
  gaps: number[];
}

function playoutAt8kHz({ queuedMsMax = 60_000 } = {}) {
  const heard: Heard = { frames: [], started: [], drained: 0, gaps: [] };
  const playout = new Playout({
    modelRateHz: 8_000,
    legRateHz: 8_000,
    queuedMsMax,
    listener: {
      onItemStarted: (itemId) => heard.started.push(itemId),
      onDrained: () => (heard.drained += 1),
      onGap: (ms) => heard.gaps.push(ms),
    },
  });
  const pull = (count = 1): void => {
    for (let i = 0; i < count; i += 1) {
      const frame = new Int16Array(frameSamples).fill(-1);
      playout.pull(frame);
      heard.frames.push([...frame]);
    }
  };
  return { playout, heard, pull };
}

const speech = (ms: number, value = 1_000): PcmFrame => new Int16Array(ms * 8).fill(value);
const delta = (itemId: string, samples: PcmFrame) => ({ itemId, contentIndex: 0, samples });
const silentFrame = new Array<number>(frameSamples).fill(0);

describe('Playout', () => {
  test('fills silence while nothing is queued', () => {
    const { heard, pull } = playoutAt8kHz();
    pull(2);
    expect(heard.frames).toEqual([silentFrame, silentFrame]);
  });

  test('plays deltas of any size as one unbroken stream', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    const ramp = Int16Array.from({ length: frameSamples * 3 }, (_, i) => i + 1);
    for (const [from, to] of [
      [0, 1],
      [1, 100],
      [100, 333],
      [333, 480],
    ] as const) {
      playout.enqueue(delta('a', ramp.slice(from, to)));
    }
    playout.complete({ itemId: 'a', contentIndex: 0 });
    pull(3);
    expect(heard.frames.flat()).toEqual([...ramp]);
  });

  test('keeps a partial frame back until more comes, and sends it when the item is complete', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(10)));
    pull();
    expect(heard.frames[0]).toEqual(silentFrame);
    playout.complete({ itemId: 'a', contentIndex: 0 });
    pull();
    expect(heard.frames[1]).toEqual([...speech(10), ...new Array<number>(80).fill(0)]);
  });

  test('lets the next item follow within the same frame', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(10, 1)));
    playout.complete({ itemId: 'a', contentIndex: 0 });
    playout.enqueue(delta('b', speech(30, 2)));
    pull(2);
    expect(heard.frames.flat()).toEqual([...speech(10, 1), ...speech(30, 2)]);
    expect(heard.started).toEqual(['a', 'b']);
  });

  test('an interruption is heard as a fade of at most 5 ms in the next frame, and then as silence', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(1_000)));
    pull(5);
    playout.interrupt();
    pull(2);
    const fade = heard.frames[5]!;
    expect(fade.slice(0, 40).every((sample, i) => i === 0 || sample <= fade[i - 1]!)).toBe(true);
    expect(fade[0]).toBeLessThan(1_000);
    expect(fade[39]).toBeGreaterThan(0);
    expect(fade.slice(40).every((sample) => sample === 0)).toBe(true);
    expect(heard.frames[6]).toEqual(silentFrame);
  });

  test('an interruption truncates the playing item at what was heard, fade included', () => {
    const { playout, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(1_000)));
    pull(5);
    expect(playout.interrupt()).toEqual([{ kind: 'truncate', itemId: 'a', contentIndex: 0, audioEndMs: 105 }]);
    expect(playout.queuedMs).toBe(0);
  });

  test('an interruption never claims more than was received', () => {
    const { playout, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(42)));
    playout.enqueue(delta('a', new Int16Array(0)));
    pull(2);
    expect(playout.interrupt()).toEqual([{ kind: 'truncate', itemId: 'a', contentIndex: 0, audioEndMs: 42 }]);
  });

  test('an interruption deletes items that were not heard at all', () => {
    const { playout, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(100)));
    playout.complete({ itemId: 'a', contentIndex: 0 });
    playout.enqueue(delta('b', speech(100)));
    pull(1);
    expect(playout.interrupt()).toEqual([
      { kind: 'truncate', itemId: 'a', contentIndex: 0, audioEndMs: 25 },
      { kind: 'delete', itemId: 'b' },
    ]);
  });

  test('an item of which one part was heard is not deleted: its other parts were heard for 0 ms', () => {
    const { playout, pull } = playoutAt8kHz();
    const secondPart = { itemId: 'a', contentIndex: 1, samples: speech(100) };
    playout.enqueue(delta('a', speech(20)));
    playout.complete({ itemId: 'a', contentIndex: 0 });
    playout.enqueue(secondPart);
    pull(1);
    expect(playout.interrupt()).toEqual([{ kind: 'truncate', itemId: 'a', contentIndex: 1, audioEndMs: 0 }]);

    playout.enqueue(delta('b', speech(100)));
    playout.enqueue({ ...secondPart, itemId: 'b' });
    pull(1);
    expect(playout.interrupt()).toEqual([
      { kind: 'truncate', itemId: 'b', contentIndex: 0, audioEndMs: 25 },
      { kind: 'truncate', itemId: 'b', contentIndex: 1, audioEndMs: 0 },
    ]);
  });

  test('an item of which no part was heard is deleted once', () => {
    const { playout } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(100)));
    playout.enqueue({ itemId: 'a', contentIndex: 1, samples: speech(100) });
    expect(playout.interrupt()).toEqual([{ kind: 'delete', itemId: 'a' }]);
  });

  test('an item that was heard whole is left alone', () => {
    const { playout, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(40)));
    playout.complete({ itemId: 'a', contentIndex: 0 });
    pull(2);
    expect(playout.interrupt()).toEqual([]);
  });

  test('late deltas of an interrupted item are not played', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(100)));
    pull(1);
    playout.interrupt();
    expect(playout.enqueue(delta('a', speech(100)))).toBe('interrupted');
    pull(2);
    expect(heard.frames[2]).toEqual(silentFrame);
  });

  test('a local prompt survives an interruption of the agent', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(100, 1)));
    playout.playPrompt(speech(20, 7));
    playout.interrupt();
    pull(1);
    expect(heard.frames[0]).toEqual([...speech(20, 7)]);
  });

  test('silence() stops a prompt too', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.playPrompt(speech(200, 700));
    pull(1);
    playout.silence();
    pull(2);
    expect(heard.frames[2]).toEqual(silentFrame);
    expect(playout.speaking).toBe(false);
    expect(playout.queuedMs).toBe(0);
  });

  test('tells once that everything was heard, and only when the item is complete', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(20)));
    pull(3);
    expect(heard.drained).toBe(0);
    playout.complete({ itemId: 'a', contentIndex: 0 });
    expect(heard.drained).toBe(1);
    pull(3);
    expect(heard.drained).toBe(1);
  });

  test('tells of a gap in the middle of an item, and of none at its start, at its end or after an interruption', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(10)));
    pull(3);
    playout.enqueue(delta('a', speech(30)));
    pull(4);
    expect(heard.gaps).toEqual([]);
    playout.enqueue(delta('a', speech(40)));
    pull(4);
    expect(heard.gaps).toEqual([40]);
    playout.complete({ itemId: 'a', contentIndex: 0 });
    playout.enqueue(delta('b', speech(20)));
    pull(3);
    playout.interrupt();
    playout.enqueue(delta('c', speech(20)));
    pull();
    expect(heard.gaps).toEqual([40]);
  });

  test('what is held is no gap', () => {
    const { playout, heard, pull } = playoutAt8kHz();
    playout.enqueue(delta('a', speech(60)));
    pull();
    playout.hold();
    pull(5);
    playout.resume();
    pull(2);
    expect(heard.gaps).toEqual([]);
  });

  test('refuses a delta beyond its limit and keeps what it has', () => {
    const { playout } = playoutAt8kHz({ queuedMsMax: 100 });
    expect(playout.enqueue(delta('a', speech(100)))).toBe('queued');
    expect(playout.enqueue(delta('a', speech(1)))).toBe('full');
    expect(playout.queuedMs).toBe(100);
  });

  test('converts 24 kHz of the model to 8 kHz of the caller without losing a frame', () => {
    const frames: number[] = [];
    const playout = new Playout({
      modelRateHz: 24_000,
      legRateHz: 8_000,
      queuedMsMax: 60_000,
      listener: { onItemStarted: () => undefined, onDrained: () => undefined, onGap: () => undefined },
    });
    const samples = Int16Array.from({ length: 24_000 }, (_, i) => 8_000 * Math.sin((2 * Math.PI * 600 * i) / 24_000));
    playout.enqueue(delta('a', samples));
    for (let i = 0; i < 50; i += 1) {
      const frame = new Int16Array(frameSamples);
      playout.pull(frame);
      frames.push(...frame);
    }
    const power = frames.slice(400).reduce((sum, sample) => sum + sample * sample, 0) / (frames.length - 400);
    expect(Math.sqrt(power)).toBeCloseTo(8_000 / Math.SQRT2, -2);
  });
});
