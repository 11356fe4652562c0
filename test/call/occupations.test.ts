import type { Occupation } from '../../src/call/occupations';
import { Occupations } from '../../src/call/occupations';

function watched() {
  const changes: Occupation[][] = [];
  const occupations = new Occupations((current) => changes.push([...current]));
  return { occupations, changes };
}

describe('Occupations', () => {
  test('an occupation lasts from its begin to its end', () => {
    const { occupations, changes } = watched();
    const end = occupations.begin('tool');
    expect(occupations.has('tool')).toBe(true);
    end();
    expect(occupations.has('tool')).toBe(false);
    expect(changes).toEqual([['tool'], []]);
  });

  test('one that was begun twice ends with the second end, and is told of once', () => {
    const { occupations, changes } = watched();
    const first = occupations.begin('tool');
    const second = occupations.begin('tool');
    first();
    expect(occupations.has('tool')).toBe(true);
    second();
    expect(changes).toEqual([['tool'], []]);
  });

  test('an end that is called twice ends one begin only', () => {
    const { occupations } = watched();
    const first = occupations.begin('hold');
    occupations.begin('hold');
    first();
    first();
    expect(occupations.has('hold')).toBe(true);
  });
});
