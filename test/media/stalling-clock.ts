import type { Clock } from '../../src/runtime/clock';
import { VirtualClock } from '../../src/runtime/virtual-clock';

/** A virtual clock, and a view of it in which time has also gone on while nothing could run: timers are late there. */
export function stallingClock(): { clock: VirtualClock; stall: { clock: Clock; byMs(ms: number): void } } {
  const clock = new VirtualClock();
  let stalledMs = 0;
  const stalling: Clock = {
    now: () => clock.now() + stalledMs,
    wallTimeMs: () => clock.wallTimeMs() + stalledMs,
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
  };
  return { clock, stall: { clock: stalling, byMs: (ms) => void (stalledMs += ms) } };
}
