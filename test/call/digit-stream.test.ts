import type { DigitSource } from '../../src/call/digit-stream';
import { DigitStream } from '../../src/call/digit-stream';
import { VirtualClock } from '../../src/runtime/virtual-clock';

function stream() {
  const clock = new VirtualClock();
  let told = '';
  const digits = new DigitStream({ clock, onDigit: (digit) => (told += digit) });
  /** `at` counts from the start, in the order in which things happen. */
  const receive = (at: number, digit: string, source: DigitSource): void => {
    clock.advance(at - clock.now());
    digits.receive(digit, source);
  };
  return { digits, receive, told: () => told };
}

test('a key that comes both ways counts once, whichever comes first', () => {
  const { receive, told, digits } = stream();
  receive(0, '1', 'media');
  receive(100, '1', 'info');
  receive(900, '2', 'info');
  receive(1_000, '2', 'media');
  expect(told()).toBe('12');
  expect(digits.duplicates).toBe(2);
});

test('the same key twice in a row is two keys, also when both come both ways', () => {
  const { receive, told } = stream();
  receive(0, '5', 'media');
  receive(200, '5', 'media');
  receive(300, '5', 'info');
  receive(500, '5', 'info');
  expect(told()).toBe('55');
});

test('a key that comes much later the other way is another key', () => {
  const { receive, told } = stream();
  receive(0, '5', 'media');
  receive(1_501, '5', 'info');
  expect(told()).toBe('55');
});

test('a caller who presses without end costs no memory', () => {
  const { receive, told } = stream();
  for (let n = 0; n < 1_000; n += 1) receive(n, '1', 'info');
  expect(told()).toHaveLength(1_000);
});
