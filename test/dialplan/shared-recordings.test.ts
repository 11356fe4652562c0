import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { PlanRecording } from '../../src/dialplan/plan-recordings';
import { SharedRecordings } from '../../src/dialplan/shared-recordings';

const recording = (digest: string): PlanRecording => {
  return { digest, sound: { 8_000: new Int16Array(8_000), 24_000: new Int16Array(24_000) } };
};

test('the same file is one recording, and another one is not', () => {
  const shared = new SharedRecordings();
  const first = shared.share(recording('a'));
  expect(shared.share(recording('a')).sound).toBe(first.sound);
  expect(shared.share(recording('b')).sound).not.toBe(first.sound);
  expect(shared.size).toBe(2);
});

test('a recording that no plan holds is not kept', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const shared = new SharedRecordings();
  const kept = shared.share(recording('kept'));
  for (let i = 0; i < 20; i += 1) shared.share(recording(`dropped ${i}`));
  // What a job has looked at is held until it is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(shared.size).toBe(1);
  expect(shared.share(recording('kept')).sound).toBe(kept.sound);
});
