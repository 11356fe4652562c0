import { spawnSync } from 'node:child_process';

import { MachineWatch, onCalmMachine, wasStolen } from './calm-machine';

const calm = () => ({ stolenMs: 0, close: () => undefined });
const stalled = () => ({ stolenMs: 90, close: () => undefined });

test.each([
  { passedMs: 150, usedMs: 5, stolen: true, what: 'late without processor time' },
  { passedMs: 150, usedMs: 140, stolen: false, what: 'late because our own code was busy' },
  { passedMs: 30, usedMs: 0, stolen: false, what: 'idle, and in time' },
])('a process that is $what: stolen is $stolen', ({ passedMs, usedMs, stolen }) => {
  expect(wasStolen({ passedMs, usedMs })).toBe(stolen);
});

test('a stretch without the processor is seen', async () => {
  const watch = new MachineWatch();
  // This process waits, and the processor is somebody else's.
  spawnSync('sleep', ['0.15']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  watch.close();

  expect(watch.stolenMs).toBeGreaterThan(100);
});

test('a failure on a calm machine is not repeated', async () => {
  const body = jest.fn(() => Promise.reject(new Error('a gap')));

  await expect(onCalmMachine(body, calm)).rejects.toThrow('a gap');

  expect(body).toHaveBeenCalledTimes(1);
});

test('a failure while the machine stood still is repeated, and what was opened is closed each time', async () => {
  const closed: number[] = [];
  let attempts = 0;

  await onCalmMachine((keep) => {
    attempts += 1;
    const attempt = attempts;
    keep({ close: () => Promise.resolve(closed.push(attempt)) });
    return attempt === 1 ? Promise.reject(new Error('a gap')) : Promise.resolve();
  }, stalled);

  expect(closed).toEqual([1, 2]);
});

test('a machine that stands still in every attempt fails the test, and is told', async () => {
  const body = jest.fn(() => Promise.reject(new Error('a gap')));

  await expect(onCalmMachine(body, stalled)).rejects.toThrow('stood still for 90 ms during attempt 3');

  expect(body).toHaveBeenCalledTimes(3);
});
