import { moveCall } from '../../src/call/call-state';
import { InvariantError } from '../../src/runtime/invariant';

describe('moveCall', () => {
  test.each([
    ['ringing', 'answering'],
    ['answering', 'active'],
    ['active', 'ending'],
    ['ringing', 'ending'],
    ['answering', 'ending'],
    ['ending', 'ended'],
  ] as const)('a call may go from %s to %s', (from, to) => {
    expect(moveCall({ from, to })).toBe(to);
  });

  test.each([
    ['ringing', 'active'],
    ['active', 'answering'],
    ['ended', 'ending'],
    ['ending', 'active'],
  ] as const)('a call that goes from %s to %s is a bug', (from, to) => {
    expect(() => moveCall({ from, to })).toThrow(InvariantError);
  });
});
