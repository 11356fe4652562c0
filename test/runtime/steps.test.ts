import type { Clock } from '../../src/runtime/clock';
import { runInSlices, runSteps } from '../../src/runtime/steps';
import type { Steps } from '../../src/runtime/steps';

/** Time that only work takes; `rests` is when others got their turn. */
function busyClock(): Clock & { work(ms: number): void; rests: number[] } {
  let nowMs = 0;
  const rests: number[] = [];
  return {
    rests,
    work: (ms) => void (nowMs += ms),
    now: () => nowMs,
    wallTimeMs: () => nowMs,
    setTimer(_delayMs, fire) {
      rests.push(nowMs);
      queueMicrotask(fire);
      return { cancel: () => undefined };
    },
  };
}

/** Each step takes that long. */
function* stepsOf(lengthsMs: readonly number[], clock: ReturnType<typeof busyClock>): Steps<string> {
  for (const ms of lengthsMs) {
    clock.work(ms);
    yield;
  }
  return 'done';
}

test('all at once comes to the same and lets nobody in between', () => {
  const clock = busyClock();
  expect(runSteps(stepsOf([1, 1, 1], clock))).toBe('done');
  expect(clock.rests).toEqual([]);
});

test('others get their turn when a slice is over', async () => {
  const clock = busyClock();
  expect(await runInSlices(stepsOf([1, 1, 1, 1, 1], clock), { clock, sliceMs: 2 })).toBe('done');
  expect(clock.rests).toEqual([2, 4]);
});

test('a step that takes long is followed by a rest', async () => {
  const clock = busyClock();
  await runInSlices(stepsOf([9, 1, 9, 1], clock), { clock, sliceMs: 2 });
  expect(clock.rests).toEqual([9, 19]);
});

test('work without a step is done at once', async () => {
  const clock = busyClock();
  expect(await runInSlices(stepsOf([], clock), { clock, sliceMs: 2 })).toBe('done');
  expect(clock.rests).toEqual([]);
});

test('what a step throws reaches who waits', async () => {
  function* failing(): Steps<string> {
    yield;
    throw new Error('no more');
  }
  const clock = busyClock();
  await expect(runInSlices(failing(), { clock, sliceMs: 0 })).rejects.toThrow('no more');
});
