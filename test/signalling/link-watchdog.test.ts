import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { LinkWatchdog } from '../../src/signalling/link-watchdog';
import type { ProbeResult } from '../../src/signalling/options-probe';

/** A watchdog whose server answers as the test says. */
class Watched {
  answersPings = true;
  probed: ProbeResult = 'answered';
  probes = 0;
  readonly silent: string[] = [];
  readonly clock = new VirtualClock();
  readonly watchdog = new LinkWatchdog({
    clock: this.clock,
    random: seededRandom(1),
    log: silentLogger,
    ping: () => (this.answersPings ? Promise.resolve(1) : Promise.reject(new Error('no pong'))),
    onSilent: (why) => this.silent.push(why),
    probe: () => {
      this.probes += 1;
      return Promise.resolve(this.probed);
    },
  });

  start(hostPorts: string[] = ['tcp/127.0.0.1:5060', 'udp/127.0.0.1:5060']): void {
    this.watchdog.start(hostPorts);
  }

  run(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }
}

let watched: Watched;
beforeEach(() => (watched = new Watched()));
afterEach(() => {
  watched.watchdog.stop();
  expect(watched.clock.pendingTimers).toBe(0);
});

test('a server that answers is left alone', async () => {
  watched.start();
  await watched.run(60_000);
  expect(watched.silent).toEqual([]);
  expect(watched.probes).toBeGreaterThan(10);
});

test('a server that does not answer a ping is silent', async () => {
  watched.start();
  await watched.run(1_000);
  watched.answersPings = false;
  await watched.run(6_000);
  expect(watched.silent).toEqual(['it does not answer pings']);
});

test('a SIP side that falls silent makes one new connection, and is deaf until it answers', async () => {
  watched.start();
  await watched.run(1_000);
  watched.probed = 'silent';
  await watched.run(7_000);
  expect(watched.silent).toEqual(['its SIP port does not answer']);
  expect(watched.watchdog.deaf).toBe(true);
  watched.start();
  await watched.run(60_000);
  expect(watched.silent).toHaveLength(1);
  watched.probed = 'answered';
  await watched.run(6_000);
  expect(watched.watchdog.deaf).toBe(false);
});

test('a server that forgot our routes makes one new connection', async () => {
  watched.start();
  await watched.run(1_000);
  watched.probed = 'no-application';
  await watched.run(7_000);
  expect(watched.silent).toEqual(['it forgot that we take its requests']);
});

test('one lost answer is not silence', async () => {
  watched.start();
  await watched.run(1_000);
  watched.probed = 'silent';
  await watched.run(4_500);
  watched.probed = 'answered';
  await watched.run(20_000);
  expect(watched.silent).toEqual([]);
});

test('a SIP port that never answered may be behind a firewall', async () => {
  watched.probed = 'silent';
  watched.start();
  await watched.run(60_000);
  expect(watched.silent).toEqual([]);
  expect(watched.watchdog.deaf).toBe(false);
});

test('without a UDP port only pings tell', async () => {
  watched.start(['tls/127.0.0.1:5061']);
  await watched.run(20_000);
  expect(watched.probes).toBe(0);
});

test('what was asked before the connection was lost does not count', async () => {
  watched.start();
  await watched.run(1_000);
  watched.answersPings = false;
  watched.clock.advance(5_000);
  watched.watchdog.stop();
  await watched.run(1_000);
  expect(watched.silent).toEqual([]);
});
