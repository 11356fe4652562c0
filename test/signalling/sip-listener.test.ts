import { once } from 'node:events';

import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import type { CallerLeg } from '../../src/signalling/caller-leg';
import { SipListener } from '../../src/signalling/sip-listener';
import { closedAfterEach } from '../support/closing';
import { FakeDrachtioServer } from '../support/fake-drachtio-server';
import { answerSent, FakeCaller } from '../support/fake-sip-peers';
import { until } from '../support/until';

const keep = closedAfterEach();

async function listening(secret = 'cymru') {
  const legs: CallerLeg[] = [];
  const server = keep(await FakeDrachtioServer.start());
  const listener = keep(
    await SipListener.start({
      listen: { host: '127.0.0.1', port: 0 },
      tls: undefined,
      secret,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onBug: ({ cause }) => {
        throw cause;
      },
      onCall: (leg) => legs.push(leg),
      full: () => false,
    }),
  );
  const dial = async () => {
    const socket = server.dial(listener.address.port);
    await once(socket, 'connect');
    return socket;
  };
  return { server, listener, legs, dial };
}

test('a call on a connection of its own is answered there, and told when that breaks', async () => {
  const { server, listener, legs, dial } = await listening();
  const socket = await dial();
  await until(() => server.commands.length === 1, 'our secret');
  // The server routes by its own handlers here.
  expect(server.commands).toEqual(['authenticate|cymru|']);
  const caller = new FakeCaller(server);
  server.reply = answerSent(caller, () => [caller.inDialogFrame('ACK')]);
  server.send(caller.inviteFrame());
  await until(() => legs.length === 1, 'the call');
  let lost = 0;
  legs[0]?.listen({
    onHangUp: () => undefined,
    onServerLost: () => (lost += 1),
    onOffer: () => Promise.resolve({ status: 488 }),
    onAnswer: () => undefined,
    onDigit: () => undefined,
  });
  await legs[0]?.answer('v=0 answer');
  socket.destroy();
  await until(() => lost === 1, 'the loss');
  expect(listener.legs).toBe(1);
  legs[0]?.hangUp();
  expect(listener.legs).toBe(0);
});

test('a connection ends when its request was refused', async () => {
  const { server, listener, dial } = await listening();
  listener.accepting = false;
  const socket = await dial();
  await until(() => server.commands.length === 1, 'our secret');
  server.send(new FakeCaller(server).inviteFrame());
  await once(socket, 'end');
  expect(server.responses).toEqual(['503 INVITE']);
});

test('a connection ends when its request must not be answered', async () => {
  const { server, listener, dial } = await listening();
  const socket = await dial();
  await until(() => server.commands.length === 1, 'our secret');
  server.send(new FakeCaller(server).inviteFrame({ headers: { Contact: '*' } }));
  await once(socket, 'end');
  expect(server.responses).toEqual([]);
  expect(listener.unanswerable).toBe(1);
});

test('a server that refuses our secret is left', async () => {
  const { dial } = await listening('wrong');
  const socket = await dial();
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
});
