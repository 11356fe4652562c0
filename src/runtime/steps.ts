import type { Clock } from './clock';

/** Work that may be interrupted wherever it yields; each step should take well under a millisecond. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All at once. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** A few milliseconds at a time, so that audio and signalling get their turn in between. */
export async function runInSlices<T>(
  steps: Steps<T>,
  { clock, sliceMs }: { clock: Clock; sliceMs: number },
): Promise<T> {
  for (;;) {
    const startedMs = clock.now();
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (clock.now() - startedMs < sliceMs);
    await new Promise<void>((rested) => clock.setTimer(0, rested));
  }
}
