import { VirtualClock } from '../../src/runtime/virtual-clock';
import { stallingClock } from './stalling-clock';
import { FrameClock, LatenessHistogram, overdueFramesMax, type FrameSubscriber } from '../../src/media/frame-clock';

/** Notes when it was called; `during` runs inside the call. */
class Counter implements FrameSubscriber {
  readonly atMs: number[] = [];
  readonly errors: unknown[] = [];
  skipped = 0;

  constructor(
    readonly clock: VirtualClock,
    readonly during: (count: number) => void = () => undefined,
  ) {}

  onFrame(): void {
    this.atMs.push(this.clock.now());
    this.during(this.atMs.length);
  }

  onFramesSkipped(frames: number): void {
    this.skipped += frames;
  }

  onError(cause: unknown): void {
    this.errors.push(cause);
  }
}

function underTest() {
  const clock = new VirtualClock();
  return { clock, frameClock: new FrameClock({ clock }) };
}

test('the n-th frame is due at start + n x 20 ms', () => {
  const { clock, frameClock } = underTest();
  clock.advance(7.3);
  const counter = new Counter(clock);
  const { startMs, end } = frameClock.subscribe(counter);
  clock.advance(1_000);
  end();
  expect(startMs).toBeLessThanOrEqual(27.3);
  expect(counter.atMs).toHaveLength(50);
  counter.atMs.forEach((atMs, n) => expect(atMs).toBeCloseTo(startMs + n * 20));
});

test('a late tick does not delay the ones after it', () => {
  const { clock, frameClock } = underTest();
  const counter = new Counter(clock, (count) => {
    if (count === 3) clock.advance(35);
  });
  const { startMs, end } = frameClock.subscribe(counter);
  clock.advance(1_000);
  end();
  expect(counter.atMs).toHaveLength(50);
  expect(counter.atMs.at(-1)).toBeCloseTo(startMs + 49 * 20);
});

test('what is overdue is served at once for whoever reads packets, and the timer goes on from there', () => {
  const { clock, stall } = stallingClock();
  const frameClock = new FrameClock({ clock: stall.clock });
  const servedMs: number[] = [];
  const wereCatchingUp: boolean[] = [];
  const { end } = frameClock.subscribe({
    onFrame: () => {
      servedMs.push(stall.clock.now());
      wereCatchingUp.push(frameClock.isCatchingUp);
    },
    onFramesSkipped: () => undefined,
    onError: () => undefined,
  });
  clock.advance(2);
  stall.byMs(2.5);
  frameClock.catchUp(stall.clock.now());
  frameClock.catchUp(stall.clock.now());
  expect(servedMs).toEqual([4.5]);
  clock.advance(20);
  expect(servedMs).toEqual([4.5, 22.5]);
  expect(wereCatchingUp).toEqual([true, false]);
  end();
  expect(clock.pendingTimers).toBe(0);
});

test('what the timer is about to serve is left to it', () => {
  const { clock, frameClock } = underTest();
  const counter = new Counter(clock);
  const { startMs, end } = frameClock.subscribe(counter);
  frameClock.catchUp(startMs + 0.9);
  expect(counter.atMs).toEqual([]);
  end();
  frameClock.catchUp(startMs + 1_000);
  expect(counter.atMs).toEqual([]);
});

test('after a stall at most three overdue frames come at once and the others are skipped', () => {
  const { clock, frameClock } = underTest();
  const counter = new Counter(clock, (count) => {
    if (count === 1) clock.advance(205);
  });
  const { startMs, end } = frameClock.subscribe(counter);
  clock.advance(1_000);
  end();
  const atOnce = counter.atMs.filter((atMs) => atMs === startMs + 205);
  expect(atOnce).toHaveLength(overdueFramesMax);
  expect(counter.skipped).toBe(7);
  expect(counter.atMs).toHaveLength(50 - 7);
});

test('calls are spread over the 20 ms, 2.5 ms apart', () => {
  const { clock, frameClock } = underTest();
  const counters = Array.from({ length: 16 }, () => new Counter(clock));
  const subscriptions = counters.map((counter) => frameClock.subscribe(counter));
  const starts = subscriptions.map(({ startMs }) => startMs);
  expect([...new Set(starts)]).toEqual([2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20]);
  clock.advance(200);
  expect(counters.map(({ atMs }) => atMs.length)).toEqual(Array(16).fill(10));
  subscriptions.forEach(({ end }) => end());
});

test('a call that comes when others have gone takes an empty slot and is due soon', () => {
  const { clock, frameClock } = underTest();
  const first = frameClock.subscribe(new Counter(clock));
  const second = frameClock.subscribe(new Counter(clock));
  clock.advance(10_001);
  second.end();
  const third = frameClock.subscribe(new Counter(clock));
  expect(third.startMs).toBeGreaterThan(10_001);
  expect(third.startMs).toBeLessThanOrEqual(10_021);
  first.end();
  third.end();
});

test('while nobody subscribes no timer runs', () => {
  const { clock, frameClock } = underTest();
  expect(clock.pendingTimers).toBe(0);
  const { end } = frameClock.subscribe(new Counter(clock));
  clock.advance(100);
  expect(clock.pendingTimers).toBe(1);
  end();
  end();
  expect([clock.pendingTimers, frameClock.subscribers]).toEqual([0, 0]);
});

test('a subscriber may end itself and its neighbour in the middle of a tick', () => {
  const { clock, frameClock } = underTest();
  const ends: (() => void)[] = [];
  const fill = Array.from({ length: 8 }, () => new Counter(clock));
  const killer = new Counter(clock, (count) => {
    if (count === 2) ends.forEach((end) => end());
  });
  const neighbour = new Counter(clock);
  const survivor = new Counter(clock);
  const kept = [killer, ...fill.slice(0, 7), neighbour, ...fill.slice(0, 7), survivor].map((each) =>
    frameClock.subscribe(each),
  );
  ends.push(kept[0]!.end, kept[8]!.end);
  clock.advance(100);
  expect([killer.atMs.length, neighbour.atMs.length, survivor.atMs.length]).toEqual([2, 1, 5]);
  kept.forEach(({ end }) => end());
  expect(clock.pendingTimers).toBe(0);
});

test('one that throws is told and dropped, and the others go on', () => {
  const { clock, frameClock } = underTest();
  const broken = new Counter(clock, () => {
    throw new Error('bug');
  });
  frameClock.subscribe(broken);
  const others = Array.from({ length: 8 }, () => new Counter(clock));
  const subscriptions = others.map((other) => frameClock.subscribe(other));
  clock.advance(200);
  expect(broken.errors).toEqual([new Error('bug')]);
  expect(broken.atMs).toHaveLength(1);
  expect(others.map(({ atMs }) => atMs.length)).toEqual(Array(8).fill(10));
  subscriptions.forEach(({ end }) => end());
});

test('one that subscribes inside a tick gets its first frame 20 ms later, not in the same tick', () => {
  const { clock, frameClock } = underTest();
  const late = new Counter(clock);
  const subscriptions = Array.from({ length: 7 }, () => frameClock.subscribe(new Counter(clock)));
  const first = new Counter(clock, (count) => {
    if (count === 1) subscriptions.push(frameClock.subscribe(late));
  });
  subscriptions.push(frameClock.subscribe(first));
  // Seven slots hold two calls and the last one holds one: the new call joins the slot that is being served.
  for (let n = 0; n < 7; n += 1) subscriptions.push(frameClock.subscribe(new Counter(clock)));
  clock.advance(100);
  expect(late.atMs[0]).toBe(first.atMs[1]);
  expect(late.atMs).toHaveLength(first.atMs.length - 1);
  subscriptions.forEach(({ end }) => end());
});

test('lateness is the time of the call minus the time it was due', () => {
  const { clock, frameClock } = underTest();
  const { end } = frameClock.subscribe(
    new Counter(clock, (count) => {
      if (count === 10) clock.advance(28);
    }),
  );
  clock.advance(2_000);
  end();
  expect(frameClock.lateness.total).toBe(100);
  expect(frameClock.lateness.maxMs).toBeCloseTo(8);
  expect(frameClock.lateness.p50Ms).toBe(0.25);
  expect(frameClock.lateness.quantileMs(1)).toBeCloseTo(8);
});

test('a histogram gives upper bounds of its quantiles', () => {
  const histogram = new LatenessHistogram();
  expect(histogram.p99Ms).toBe(0);
  for (let n = 1; n <= 100; n += 1) histogram.record(n / 10);
  histogram.record(-3);
  expect(histogram).toMatchObject({ total: 101, maxMs: 10, p50Ms: 5, p99Ms: 10 });
  expect(histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(101);
  histogram.reset();
  expect(histogram).toMatchObject({ total: 0, maxMs: 0, p50Ms: 0 });
});
