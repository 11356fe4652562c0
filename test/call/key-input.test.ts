import { KeyInput } from '../../src/call/key-input';
import { Occupations } from '../../src/call/occupations';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { CollectedDigits } from '../../src/tools/call-control';
import type { DigitRules } from '../../src/tools/digit-rules';

const rules: DigitRules = { keysMax: 4, endKey: '#', firstKeyMs: 8_000, nextKeyMs: 4_000, secure: false };

function keypad() {
  const clock = new VirtualClock();
  const occupations = new Occupations();
  const told: string[] = [];
  let busy = false;
  const setBusy = (isBusy: boolean): void => void (busy = isBusy);
  const isAgentBusy = (): boolean => busy;
  const host = { isAgentBusy, began: () => void told.push('began'), entered: (keys: string) => void told.push(keys) };
  const input = new KeyInput({ clock, occupations, host });
  const press = (keys: string): void => {
    for (const key of keys.split('')) {
      input.press(key);
      clock.advance(200);
    }
  };
  const collect = async (partly: Partial<DigitRules>, act: () => void): Promise<CollectedDigits> => {
    const collected = input.collect({ ...rules, ...partly });
    act();
    return collected;
  };
  return { clock, occupations, told, input, press, collect, setBusy };
}

test('keys that nobody collects are told together, three seconds after the last', () => {
  const { clock, told, press, occupations } = keypad();
  press('12');
  expect(told).toEqual(['began']);
  expect(occupations.has('digits')).toBe(true);
  clock.advance(2_799);
  expect(told).toEqual(['began']);
  clock.advance(1);
  expect(told).toEqual(['began', '12']);
  expect(occupations.has('digits')).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test.each([
  ['all its keys', '1234', { outcome: 'complete', keys: '1234' }],
  ['its end key, which is no part of it', '12#', { outcome: 'complete', keys: '12' }],
])('a collection is complete with %s', async (_what, keys, expected) => {
  const { press, collect, told, occupations, clock } = keypad();
  expect(await collect({}, () => press(keys))).toEqual(expected);
  expect(told).toEqual([]);
  expect(occupations.has('digits')).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test('a caller who stops is told of with what there is; without an end key that is all', async () => {
  const { press, collect, clock } = keypad();
  const stop = (): void => {
    press('12');
    clock.advance(4_000);
  };
  expect(await collect({}, stop)).toEqual({ outcome: 'too-late', keys: '12' });
  expect(await collect({ endKey: undefined }, stop)).toEqual({ outcome: 'complete', keys: '12' });
  expect(await collect({}, () => clock.advance(8_000))).toEqual({ outcome: 'too-late', keys: '' });
});

test('a second collection, and the end of the call, stop the first', async () => {
  const { input, collect } = keypad();
  const first = collect({}, () => undefined);
  const second = collect({}, () => undefined);
  expect(await first).toEqual({ outcome: 'stopped', keys: '' });
  input.close();
  input.close();
  expect(await second).toEqual({ outcome: 'stopped', keys: '' });
  expect(await input.collect(rules)).toEqual({ outcome: 'stopped', keys: '' });
});

test('what was pressed before a collection is not part of it', async () => {
  const { press, collect } = keypad();
  press('99');
  expect(await collect({}, () => press('12#'))).toEqual({ outcome: 'complete', keys: '12' });
});

test('a secure collection stays secure until its last tone is over, and keys of that moment reach nobody', async () => {
  const { input, press, collect, told, clock } = keypad();
  expect(input.isSecure).toBe(false);
  await collect({ secure: true }, () => {
    expect(input.isSecure).toBe(true);
    press('1234');
  });
  expect(input.isSecure).toBe(true);
  press('5');
  clock.advance(400);
  expect(input.isSecure).toBe(false);
  clock.advance(10_000);
  expect(told).toEqual([]);
});

test('a key that sticks costs no memory', () => {
  const { press, told, clock } = keypad();
  press('1'.repeat(500));
  clock.advance(3_000);
  expect(told.at(-1)).toHaveLength(64);
});

test('the time for the first key counts from when the caller has heard what to key in', async () => {
  const { input, clock, collect, setBusy } = keypad();
  setBusy(true);
  const collected = await collect({}, () => {
    clock.advance(20_000);
    setBusy(false);
    input.heard();
    clock.advance(7_999);
    input.press('1');
    input.press('#');
  });
  expect(collected).toEqual({ outcome: 'complete', keys: '1' });
});
