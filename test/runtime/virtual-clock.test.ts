import { withDeadline } from '../../src/runtime/clock';
import { parseDurationMs } from '../../src/runtime/duration';
import { seededRandom, systemRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';

describe('VirtualClock', () => {
  test('fires timers in order of due time, then of creation', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.setTimer(20, () => fired.push('b'));
    clock.setTimer(10, () => fired.push('a'));
    clock.setTimer(20, () => fired.push('c'));
    clock.advance(20);
    expect(fired).toEqual(['a', 'b', 'c']);
  });

  test('a timer sees its own due time, and timers it sets within the step fire too', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const again = (): void => {
      seen.push(clock.now());
      if (seen.length < 5) clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    clock.advance(100);
    expect(seen).toEqual([10, 20, 30, 40, 50]);
    expect(clock.now()).toBe(100);
  });

  test('a cancelled timer does not fire and does not count', () => {
    const clock = new VirtualClock();
    const timer = clock.setTimer(10, () => {
      throw new Error('fired');
    });
    timer.cancel();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(20);
  });

  test('advanceAsync lets promises settle between timers', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.setTimer(10, () => void Promise.resolve().then(() => seen.push('promise')));
    clock.setTimer(20, () => seen.push('timer'));
    await clock.advanceAsync(30);
    expect(seen).toEqual(['promise', 'timer']);
  });
});

describe('withDeadline', () => {
  test('passes a value on and leaves no timer', async () => {
    const clock = new VirtualClock();
    await expect(withDeadline(clock, 100, Promise.resolve(7), () => new Error('late'))).resolves.toBe(7);
    expect(clock.pendingTimers).toBe(0);
  });

  test('rejects when time is up', async () => {
    const clock = new VirtualClock();
    const work = withDeadline(clock, 100, new Promise(() => undefined), () => new Error('late'));
    clock.advance(100);
    await expect(work).rejects.toThrow('late');
  });
});

describe('Random', () => {
  test('the same seed gives the same sequence, another seed another', () => {
    const draw = (seed: number): string => seededRandom(seed).bytes(16).toString('hex');
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });

  test.each([
    ['system', systemRandom],
    ['seeded', seededRandom(3)],
  ])('%s UUIDs are version 4', (_name, random) => {
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('fractions lie between 0 and 1', () => {
    const random = seededRandom(9);
    for (let i = 0; i < 1_000; i += 1) {
      const fraction = random.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });
});

describe('parseDurationMs', () => {
  test.each([
    ['500ms', 500],
    ['6s', 6_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each(['', '5', 's', '-1s', '1 s', '1e3s', '9999999999s'])('%j is not a duration', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});
