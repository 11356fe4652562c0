import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import type { CallerLeg } from '../../src/signalling/caller-leg';
import { SipLinks } from '../../src/signalling/sip-links';
import { closedAfterEach } from '../support/closing';
import { FakeDrachtioServer } from '../support/fake-drachtio-server';
import { FakeCaller } from '../support/fake-sip-peers';
import { until } from '../support/until';

const keep = closedAfterEach();

function linksTo(servers: readonly { host: string; port: number; secret: string }[]) {
  const legs: CallerLeg[] = [];
  const links = keep(
    new SipLinks({
      servers: servers.map((server) => ({ ...server, kind: 'drachtio-server' })),
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onBug: () => undefined,
      onCall: (leg) => legs.push(leg),
    }),
  );
  return { links, legs };
}

async function twoServers() {
  const servers = [keep(await FakeDrachtioServer.start()), keep(await FakeDrachtioServer.start())] as const;
  return { servers, ...linksTo(servers.map(({ address }) => address)) };
}

test('calls of all servers go to one handler', async () => {
  const { servers, links, legs } = await twoServers();
  await links.connect({ deadlineMs: 10_000 });
  await until(() => links.all.every((link) => link.connected), 'both links');
  for (const server of servers) server.send(new FakeCaller(server).inviteFrame());
  await until(() => legs.length === 2, 'both calls');
  expect(links.all.map((link) => link.legs)).toEqual([1, 1]);
});

test('one server that is there is enough, and the other is found when it comes', async () => {
  const gone = await FakeDrachtioServer.start();
  const { address } = gone;
  await gone.close();
  const server = keep(await FakeDrachtioServer.start());
  const { links } = linksTo([address, server.address]);
  await links.connect({ deadlineMs: 10_000 });
  expect(links.connected).toBe(true);
  expect(links.best.name).toBe(`127.0.0.1:${server.address.port}`);
  keep(await FakeDrachtioServer.start({ port: address.port }));
  await until(() => links.all.every((link) => link.connected), 'the late server');
});

test('calls through one server do not notice the loss of the other', async () => {
  const { servers, links, legs } = await twoServers();
  await links.connect({ deadlineMs: 10_000 });
  await until(() => links.all.every((link) => link.connected), 'both links');
  servers[1].send(new FakeCaller(servers[1]).inviteFrame());
  await until(() => legs.length === 1, 'the call');
  const hangUps: unknown[] = [];
  legs[0]?.listen({
    onHangUp: (how) => hangUps.push(how),
    onOffer: () => Promise.resolve({ status: 488 }),
    onAnswer: () => undefined,
    onDigit: () => undefined,
  });
  servers[0].dropConnections();
  await until(() => links.all[0]?.stats.losses === 1, 'the loss');
  expect(links.connected).toBe(true);
  expect(hangUps).toEqual([]);
});

test('all servers refusing the secret is told at once', async () => {
  const { servers } = await twoServers();
  const { links } = linksTo(servers.map(({ address }) => ({ ...address, secret: 'wrong' })));
  await expect(links.connect({ deadlineMs: 60_000 })).rejects.toMatchObject({ code: 'auth-failed' });
});

test('no server at all is told after the deadline', async () => {
  const { servers } = await twoServers();
  const addresses = servers.map(({ address }) => address);
  for (const server of servers) await server.close();
  const { links } = linksTo(addresses);
  await expect(links.connect({ deadlineMs: 300 })).rejects.toMatchObject({ code: 'unreachable' });
});
