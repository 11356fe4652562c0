import { matchesSet, patternSet } from '../../src/dialplan/pattern';
import { runSteps } from '../../src/runtime/steps';
import { candidatesFor, indexSteps } from '../../src/dialplan/route-index';
import type { NumberedRoute } from '../../src/dialplan/route-index';
import { seededRandom } from '../../src/runtime/random';

const route = (to?: string | string[], from?: string | string[]): NumberedRoute => ({
  to: to === undefined ? undefined : patternSet(to),
  from: from === undefined ? undefined : patternSet(from),
});

test('the routes to try come in order, each once, and are few', () => {
  const routes = [
    route('100'),
    route('1*'),
    route(['100', '10*', '100..105']),
    route('200'),
    route(undefined, '7*'),
    route(),
    route('/^1/'),
    route('100..199'),
    route('101..199'),
  ];
  const tried = (to: string, from: string) => [...candidatesFor(runSteps(indexSteps(routes)), { to, from })];
  expect(tried('100', '5')).toEqual([0, 1, 2, 5, 6, 7]);
  expect(tried('200', '77')).toEqual([3, 4, 5, 6]);
  expect(tried('', '')).toEqual([5, 6]);
});

test('routes of one number are told apart by their callers', () => {
  const routes = Array.from({ length: 1_000 }, (_, index) => route('100', String(index)));
  expect([...candidatesFor(runSteps(indexSteps(routes)), { to: '100', from: '77' })]).toEqual([77]);
});

test('whatever the routes, the first that matches is found', () => {
  const random = seededRandom(11);
  const below = (limit: number) => random.bytes(1)[0]! % limit;
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const digits = (length: number) => Array.from({ length }, () => below(4)).join('');
  const pattern = (): string => {
    const first = digits(3);
    const last = digits(3);
    return pick([
      digits(3),
      `${digits(below(3))}*`,
      first <= last ? `${first}..${last}` : '000..333',
      `/${digits(1)}$/`,
    ]);
  };
  const condition = () => pick([undefined, pattern(), pattern(), [pattern(), pattern()]]);
  for (let round = 0; round < 300; round += 1) {
    const routes = Array.from({ length: 12 }, () => route(condition(), condition()));
    const index = runSteps(indexSteps(routes));
    const call = { to: digits(3), from: digits(3) };
    const matches = ({ to, from }: NumberedRoute) =>
      (to === undefined || matchesSet(to, call.to)) && (from === undefined || matchesSet(from, call.from));
    const tried = [...candidatesFor(index, call)];
    expect(tried.filter((order) => matches(routes[order]!))).toEqual(
      routes.flatMap((one, order) => (matches(one) ? [order] : [])),
    );
    expect(tried).toEqual([...new Set(tried)].sort((one, other) => one - other));
  }
});
