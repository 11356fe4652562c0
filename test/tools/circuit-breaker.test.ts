import { VirtualClock } from '../../src/runtime/virtual-clock';
import { CircuitBreaker } from '../../src/tools/circuit-breaker';

function failing(times: number) {
  const clock = new VirtualClock();
  const breaker = new CircuitBreaker(clock);
  for (let i = 0; i < times; i += 1) breaker.attempt()?.failed();
  return { clock, breaker };
}

test('opens after five failures within thirty seconds, for fifteen', () => {
  const { clock, breaker } = failing(4);
  expect(breaker.isOpen).toBe(false);
  breaker.attempt()?.failed();
  expect(breaker.attempt()).toBeUndefined();
  clock.advance(14_999);
  expect(breaker.attempt()).toBeUndefined();
  clock.advance(1);
  expect(breaker.attempt()).toBeDefined();
});

test('stays closed when the failures are spread over more than thirty seconds', () => {
  const { clock, breaker } = failing(4);
  clock.advance(30_000);
  breaker.attempt()?.failed();
  expect(breaker.isOpen).toBe(false);
});

test('one request tries; its success closes, its failure opens again', () => {
  const { clock, breaker } = failing(5);
  clock.advance(15_000);
  const probe = breaker.attempt();
  expect(breaker.attempt()).toBeUndefined();
  probe?.failed();
  expect(breaker.attempt()).toBeUndefined();
  clock.advance(15_000);
  breaker.attempt()?.succeeded();
  expect(breaker.isOpen).toBe(false);
  breaker.attempt()?.failed();
  expect(breaker.isOpen).toBe(false);
});

test('a try that was given up lets the next one try, and only its first word counts', () => {
  const { clock, breaker } = failing(5);
  clock.advance(15_000);
  const probe = breaker.attempt();
  probe?.abandoned();
  probe?.failed();
  const next = breaker.attempt();
  expect(next).toBeDefined();
  next?.succeeded();
  next?.abandoned();
  expect(breaker.isOpen).toBe(false);
});
