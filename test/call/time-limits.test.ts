import { TimeLimits } from '../../src/call/time-limits';
import { VirtualClock } from '../../src/runtime/virtual-clock';

function limits(options: { sessionInMs?: number; lengthLimitMs?: number }) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const at = (what: string): void => void told.push(`${what} at ${clock.now()}`);
  const timeLimits = new TimeLimits({
    clock,
    sessionExpiresAtMs: options.sessionInMs === undefined ? undefined : clock.wallTimeMs() + options.sessionInMs,
    lengthLimitMs: options.lengthLimitMs,
    warningLeadMs: 60_000,
    onWarning: () => at('warning'),
    onLimit: (kind) => at(kind),
  });
  return { clock, told, timeLimits };
}

describe('TimeLimits', () => {
  test('warns a minute before the goodbye, which comes before the session expires', () => {
    const { clock, told } = limits({ sessionInMs: 3_600_000 });
    clock.advance(3_600_000);
    expect(told).toEqual(['warning at 3520000', 'session-limit at 3580000']);
  });

  test('the shorter limit of the route wins', () => {
    const { clock, told } = limits({ sessionInMs: 3_600_000, lengthLimitMs: 300_000 });
    clock.advance(3_600_000);
    expect(told).toEqual(['warning at 240000', 'length-limit at 300000']);
  });

  test('a short call is not warned', () => {
    const { clock, told } = limits({ lengthLimitMs: 90_000 });
    clock.advance(100_000);
    expect(told).toEqual(['length-limit at 90000']);
  });

  test('without limits no timer waits', () => {
    expect(limits({}).clock.pendingTimers).toBe(0);
  });

  test('leaves no timer behind when it is cancelled', () => {
    const { clock, timeLimits } = limits({ lengthLimitMs: 300_000 });
    timeLimits.cancel();
    timeLimits.cancel();
    expect(clock.pendingTimers).toBe(0);
  });
});
