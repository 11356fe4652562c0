import { CallerTail } from '../../src/call/caller-tail';
import type { PcmFrame } from '../../src/audio/pcm';

/** A tail and a caller whose frames are numbered from 1, always in the same buffer, as a media leg has them. */
function talking() {
  const heard: number[] = [];
  const buffers = new Set<PcmFrame>();
  const tail = new CallerTail((frame) => {
    heard.push(frame[0] ?? 0);
    buffers.add(frame);
  });
  const buffer = new Int16Array(160);
  let number = 0;
  return {
    tail,
    buffers,
    /** What went out since the last look. */
    heard: () => heard.splice(0),
    says: (frames: number, isSpeaking: boolean): void => {
      for (let count = 0; count < frames; count += 1) {
        number += 1;
        tail.push(buffer.fill(number), { isSpeaking });
      }
    },
  };
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('frames pass through as they come', () => {
  const { says, heard } = talking();
  says(3, false);
  says(2, true);
  expect(heard()).toEqual([1, 2, 3, 4, 5]);
});

test('a new session hears the turn that goes on from its beginning, and the second before it', () => {
  const { tail, says, heard } = talking();
  says(100, false);
  says(10, true);
  heard();
  tail.beginAgain();
  for (let push = 0; push < 3; push += 1) says(1, true);
  // Half a second more with each push.
  expect(heard()).toEqual(numbers(51, 113));
});

test('a turn that is over is not said again', () => {
  const { tail, says, heard } = talking();
  says(60, true);
  says(1, false);
  heard();
  tail.beginAgain();
  expect(heard()).toEqual([61]);
});

test('what is said while nobody listens goes out when somebody does: to the old session from where it stopped', () => {
  const { tail, says, heard } = talking();
  says(10, true);
  tail.wait();
  says(5, true);
  says(5, false);
  expect(heard()).toEqual(numbers(1, 10));
  tail.goOn();
  expect(heard()).toEqual(numbers(11, 20));
});

test('of more than half a minute that nobody listens to the beginning is lost, and counted', () => {
  const { tail, says, heard } = talking();
  tail.wait();
  says(1_510, true);
  expect(tail.framesDropped).toBe(10);
  tail.goOn();
  expect(heard()).toEqual(numbers(11, 35));
});

test('a silent caller needs no new memory, however long', () => {
  const { says, buffers } = talking();
  says(5_000, false);
  expect(buffers.size).toBe(51);
});

test('a long turn leaves behind no more memory than a silent caller needs', () => {
  const { says, buffers, heard } = talking();
  says(1_000, true);
  says(100, false);
  buffers.clear();
  heard();
  says(1_000, false);
  expect(heard()).toEqual(numbers(1_101, 2_100));
  expect(buffers.size).toBeLessThanOrEqual(102);
});
