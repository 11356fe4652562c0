import type { LogFields, Logger } from '../../src/runtime/logger';
import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { GuardSettings } from '../../src/sip-server/source-guard';
import { SourceGuard, defaultGuardSettings, sourceKey } from '../../src/sip-server/source-guard';
import { createStats } from '../../src/sip-server/stats';

function createGuard(settings: Partial<GuardSettings> = {}, isTrusted?: (address: string) => boolean) {
  const clock = new VirtualClock();
  const stats = createStats();
  const logged: LogFields[] = [];
  const logger: Logger = { ...silentLogger, info: (fields) => logged.push(fields) };
  const guard = new SourceGuard({
    clock,
    logger,
    stats,
    settings: { ...defaultGuardSettings, ...settings },
    isTrusted,
  });
  return { clock, stats, logged, guard };
}

const stranger = '192.0.2.1';
const other = '192.0.2.2';

function repeat(times: number, act: (index: number) => void): void {
  for (let index = 0; index < times; index += 1) act(index);
}

test('the fifth offence bans a source for ten minutes, and no other', () => {
  const { guard, clock, stats } = createGuard();

  repeat(4, () => guard.noteOffence(stranger));
  expect(guard.admits(stranger)).toBe(true);
  guard.noteOffence(stranger);

  expect([guard.admits(stranger), guard.admitsConnection(stranger), guard.admits(other)]).toEqual([false, false, true]);
  clock.advance(599_999);
  expect(guard.admits(stranger)).toBe(false);
  clock.advance(1);
  expect([guard.admits(stranger), guard.admitsConnection(stranger)]).toEqual([true, true]);
  expect([stats.sourcesBanned, stats.bannedDropped, stats.bannedConnections]).toEqual([1, 2, 1]);
});

test('offences that lie far apart ban nobody', () => {
  const { guard, clock } = createGuard();

  repeat(20, () => {
    guard.noteOffence(stranger);
    clock.advance(200_000);
  });

  expect(guard.admits(stranger)).toBe(true);
});

test('bans are logged once a minute, however many there are, and packets never', () => {
  const { guard, clock, logged } = createGuard();

  repeat(50, (index) => repeat(5, () => guard.noteOffence(`192.0.2.${index}`)));
  repeat(1_000, () => guard.admits('192.0.2.1'));
  expect(logged).toHaveLength(1);
  clock.advance(60_000);
  repeat(5, () => guard.noteOffence('198.51.100.1'));

  expect(logged).toHaveLength(2);
  expect(logged[1]).toEqual({ sourceAddress: '198.51.100.1', banMs: 600_000, bannedSoFar: 51 });
});

test('messages above the rate are dropped, and a trunk of 300 calls a second stays below it', () => {
  const { guard, clock, stats } = createGuard();

  repeat(10_000, () => {
    // Five messages of ours to read for each call, and every one twice.
    repeat(10 * 3, () => guard.admits(stranger));
    repeat(3, () => guard.admitsRequest(stranger));
    clock.advance(10);
  });
  expect(stats.messageFloodDropped).toBe(0);
  repeat(50_000, () => guard.admits(stranger));

  expect(stats.messageFloodDropped).toBeGreaterThan(25_000);
  expect(guard.admits(other)).toBe(true);
});

test('new requests above their own rate are refused, others are not', () => {
  const { guard, clock } = createGuard({ requestsPerSecond: 10 });

  const admitted = Array.from({ length: 30 }, () => guard.admitsRequest(stranger));

  expect(admitted.filter(Boolean)).toHaveLength(20);
  expect(guard.admits(stranger)).toBe(true);
  clock.advance(100);
  expect([guard.admitsRequest(stranger), guard.admitsRequest(stranger)]).toEqual([true, false]);
});

test('a flood of rubbish is dropped unread while it lasts, and its source is heard as soon as it is over', () => {
  const { guard, clock, stats } = createGuard();

  repeat(5_000, () => {
    if (guard.admits(stranger)) guard.noteMalformed(stranger);
  });
  expect(stats.malformedFloodDropped).toBe(3_000);
  clock.advance(2);

  expect(guard.admits(stranger)).toBe(true);
});

test('who asks for a hundred users and finds none is banned', () => {
  const { guard, stats } = createGuard();

  repeat(99, (index) => guard.noteRefusedUser(stranger, `sip:${index}@example.com`));
  expect(guard.admits(stranger)).toBe(true);
  guard.noteRefusedUser(stranger, 'sip:99@example.com');

  expect(guard.admits(stranger)).toBe(false);
  expect(stats.enumerationsNoticed).toBe(5);
});

test.each<[string, (guard: SourceGuard, clock: VirtualClock, index: number) => void]>([
  ['one user who is refused again and again', (guard) => guard.noteRefusedUser(stranger, 'sip:1@example.com')],
  [
    'an office full of phones that are challenged before they register',
    (guard, _clock, index) => {
      guard.noteRefusedUser(stranger, `sip:${index}@example.com`);
      if (index % 10 === 9) guard.noteAccepted(stranger);
    },
  ],
  [
    'a user every few seconds',
    (guard, clock, index) => {
      guard.noteRefusedUser(stranger, `sip:${index}@example.com`);
      clock.advance(4_000);
    },
  ],
])('%s is no scan', (_what, act) => {
  const { guard, clock } = createGuard();

  repeat(1_000, (index) => act(guard, clock, index));

  expect(guard.admits(stranger)).toBe(true);
});

test('a trusted address is neither slowed nor banned, whoever forges it', () => {
  const { guard, stats } = createGuard({ requestsPerSecond: 1 }, (address) => address === stranger);

  repeat(100, () => guard.noteOffence(stranger));
  repeat(5_000, () => guard.noteMalformed(stranger));
  const admitted = Array.from({ length: 50_000 }, () => guard.admits(stranger) && guard.admitsRequest(stranger));

  expect(admitted).not.toContain(false);
  expect(stats.sourcesBanned).toBe(0);
});

test('sources and bans are remembered within limits, and the oldest are forgotten', () => {
  const { guard, stats } = createGuard({ sources: 100, bans: 10 });
  const addressOf = (index: number): string => `10.0.${index >> 8}.${index & 255}`;

  repeat(1_000, (index) => repeat(5, () => guard.noteOffence(addressOf(index))));

  const banned = Array.from({ length: 1_000 }, (_, index) => index).filter((index) => !guard.admits(addressOf(index)));
  expect(banned).toEqual([990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
  expect(stats.sourcesBanned).toBe(1_000);
});

test('no ban at all is a setting', () => {
  const { guard } = createGuard({ offencesPerBan: 0 });

  repeat(100, () => guard.noteOffence(stranger));

  expect(guard.admits(stranger)).toBe(true);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is of the source %s', (address, key) => {
  expect(sourceKey(address)).toBe(key);
});
