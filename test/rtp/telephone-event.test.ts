import { seededRandom } from '../../src/runtime/random';
import {
  parseTelephoneEvent,
  queuedKeysMax,
  TelephoneEventReceiver,
  TelephoneEventSender,
  writeTelephoneEvent,
  type TelephoneEvent,
} from '../../src/rtp/telephone-event';

interface EventPacket extends TelephoneEvent {
  timestamp: number;
}

/** A key of 100 ms as a phone sends it: five updates, the last of them three times with the end bit. */
function press(code: number, timestamp: number): EventPacket[] {
  const updates = [160, 320, 480, 640].map((duration) => ({ code, timestamp, duration, end: false }));
  return [...updates, ...Array.from({ length: 3 }, () => ({ code, timestamp, duration: 800, end: true }))];
}

function keysOf(packets: readonly EventPacket[], receiver = new TelephoneEventReceiver()): string {
  return packets.map((packet, i) => receiver.receive(packet, packet.timestamp, i * 20) ?? '').join('');
}

const five = press(5, 1_000);
const hash = press(11, 5_000);

test.each([
  ['all packets', [...five, ...hash]],
  ['the end packets lost', [...five.slice(0, 4), ...hash.slice(0, 4)]],
  ['only end packets', [...five.slice(4), ...hash.slice(4)]],
  ['one packet of each', [...five.slice(3, 4), ...hash.slice(6)]],
  ['the marker packet lost', [...five.slice(1), ...hash.slice(1)]],
  ['every packet doubled', [...five, ...hash].flatMap((packet) => [packet, packet])],
  ['each press backwards', [...[...five].reverse(), ...[...hash].reverse()]],
  [
    'the ends of the first after the start of the second',
    [...five.slice(0, 4), hash[0]!, ...five.slice(4), ...hash.slice(1)],
  ],
])('two presses are told once each with %s', (_name, packets) => {
  expect(keysOf(packets)).toBe('5#');
});

test('a hundred random shuffles, losses and doublings of a press tell one key', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 100; round += 1) {
    const packets = five
      .filter(() => random.fraction() > 0.4)
      .flatMap((packet) => (random.fraction() > 0.7 ? [packet, packet] : [packet]))
      .map((packet) => ({ packet, at: random.fraction() }))
      .sort((a, b) => a.at - b.at)
      .map(({ packet }) => packet);
    expect(keysOf(packets)).toBe(packets.length > 0 ? '5' : '');
  }
});

test('the same key twice is two keys', () => {
  expect(keysOf([...press(1, 1_000), ...press(1, 3_400)])).toBe('11');
});

test('all sixteen keys are known, and other events are none', () => {
  const packets = Array.from({ length: 18 }, (_, code) => press(code, 1_000 + code * 2_400)).flat();
  expect(keysOf(packets)).toBe('0123456789*#ABCD');
});

test('a press of over 8 s goes on in a second segment and stays one key', () => {
  const first = { code: 7, timestamp: 1_000, duration: 0xffff, end: false };
  const second = { code: 7, timestamp: 1_000 + 0xffff, duration: 160, end: false };
  expect(keysOf([first, second, { ...second, end: true }])).toBe('7');
});

test('a press sounds until its end packet, or until three updates are missed', () => {
  const receiver = new TelephoneEventReceiver();
  receiver.receive(five[0]!, 1_000, 0);
  expect(receiver.isSounding(59)).toBe(true);
  expect(receiver.isSounding(60)).toBe(false);
  receiver.receive(five[1]!, 1_000, 100);
  receiver.receive(five[6]!, 1_000, 120);
  expect(receiver.isSounding(121)).toBe(false);
  receiver.receive(five[2]!, 1_000, 122);
  expect(receiver.isSounding(123)).toBe(false);
});

test('a payload of under four octets is no event', () => {
  expect(parseTelephoneEvent(Buffer.from([5, 0, 0]))).toBe('bad-telephone-event');
  expect(parseTelephoneEvent(Buffer.from([5, 0x8a, 3, 0x20]))).toEqual({ code: 5, end: true, duration: 800 });
});

test('what is written is read back', () => {
  const out = Buffer.alloc(6);
  writeTelephoneEvent({ code: 11, end: true, duration: 65_535 }, out, 2);
  expect(parseTelephoneEvent(out.subarray(2))).toEqual({ code: 11, end: true, duration: 65_535 });
});

describe('a sender', () => {
  /** One letter for each tick: S start, u update, E end, . audio. */
  function ticks(sender: TelephoneEventSender, count: number) {
    const steps = Array.from({ length: count }, (_, n) => {
      const step = sender.next(n * 160, 160);
      return step === undefined ? undefined : { ...step };
    });
    const letters = steps.map((step) => (step === undefined ? '.' : step.end ? 'E' : step.first ? 'S' : 'u')).join('');
    return { steps, letters };
  }

  test('sends a start, updates each 20 ms and three ends that share one timestamp', () => {
    const sender = new TelephoneEventSender();
    sender.next(0, 160);
    sender.enqueue('#', 100);
    const { steps, letters } = ticks(sender, 9);
    expect(letters).toBe('SuuuEEE..');
    const sent = steps.filter((step) => step !== undefined);
    expect(sent.map(({ duration }) => duration)).toEqual([160, 320, 480, 640, 800, 800, 800]);
    expect(new Set(sent.map(({ timestamp, code }) => `${timestamp} ${code}`))).toEqual(new Set(['0 11']));
  });

  test('leaves a pause of 40 ms for audio between two keys', () => {
    const sender = new TelephoneEventSender();
    sender.enqueue('1', 60);
    sender.enqueue('2', 60);
    const { letters, steps } = ticks(sender, 14);
    expect(letters).toBe('SuEEE..SuEEE..');
    expect(steps[7]).toMatchObject({ code: 2, timestamp: 7 * 160, first: true });
  });

  test('brings durations into 40 ms to 6 s', () => {
    const sender = new TelephoneEventSender();
    sender.enqueue('1', 1);
    expect(ticks(sender, 5).letters).toBe('SEEE.');
    const long = new TelephoneEventSender();
    long.enqueue('1', 60_000);
    expect(ticks(long, 400).letters.replaceAll('.', '')).toHaveLength(302);
  });

  test('whose clock becomes a faster one in the middle of a long press ends it', () => {
    const sender = new TelephoneEventSender();
    sender.enqueue('1', 6_000);
    for (let n = 0; n < 100; n += 1) sender.next(0, 160);
    const steps = [1, 2, 3, 4].map(() => sender.next(0, 960)?.end);
    expect(steps).toEqual([true, true, true, undefined]);
  });

  test('refuses a key when too many wait', () => {
    const sender = new TelephoneEventSender();
    for (let n = 0; n < queuedKeysMax; n += 1) expect(sender.enqueue('1', 100)).toBe(true);
    expect(sender.enqueue('1', 100)).toBe(false);
  });
});
