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

  test.each([
    ['in 1970, as a server says that has no limit', -Date.UTC(2026, 0, 5, 9, 0, 0)],
    ['a moment ago', 0],
    ['in the year 58000, as a server says that counts in milliseconds', 1_767_000_000_000_000],
  ])('an expiry that cannot be meant limits nothing: %s', (_when, sessionInMs) => {
    expect(limits({ sessionInMs }).clock.pendingTimers).toBe(0);
    const { clock, told } = limits({ sessionInMs, lengthLimitMs: 300_000 });
    clock.advance(3_600_000);
    expect(told).toEqual(['warning at 240000', 'length-limit at 300000']);
  });

  test('a session that is about to expire is left at once', () => {
    const { clock, told } = limits({ sessionInMs: 10_000 });
    clock.advance(1);
    expect(told).toEqual(['session-limit at 0']);
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
