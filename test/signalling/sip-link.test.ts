import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { SipLink } from '../../src/signalling/sip-link';
import { FakeDrachtioServer } from '../support/fake-drachtio-server';
import { FakeCaller, requestText } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { until } from '../support/until';

const routed = [
  'info',
  'invite',
  'message',
  'notify',
  'options',
  'publish',
  'refer',
  'register',
  'subscribe',
  'update',
];

describe('SipLink', () => {
  let test_: LinkUnderTest;
  beforeEach(async () => {
    test_ = await LinkUnderTest.start();
  });
  afterEach(() => test_.close());

  const frame = (method: string, headers: Record<string, string> = {}, toTag?: string): string => {
    const callId = test_.server.id('call');
    const text = requestText({ method, callId, headers, ...(toTag !== undefined && { toTag }) });
    return test_.server.received(text, { txnId: test_.server.id('txn') });
  };
  const routes = (): string[] => test_.server.commands.filter((c) => c.startsWith('route|')).map((c) => c.slice(6));

  test('asks for each method once', async () => {
    await until(() => routes().length >= routed.length, 'the routes');
    await test_.settle();
    expect(routes().sort()).toEqual(routed);
  });

  test('a lost server ends the calls, and the link comes back with its routes', async () => {
    const { leg } = await test_.invite();
    const hangUps: unknown[] = [];
    leg.listen({
      onHangUp: (how) => hangUps.push(how),
      onOffer: () => Promise.resolve({ status: 488 }),
      onAnswer: () => undefined,
      onDigit: () => undefined,
    });
    test_.server.dropConnections();
    await until(() => test_.states.at(-1) === 'lost', 'the loss');
    await until(() => test_.states.at(-1) === 'connected', 'the new connection');
    expect(test_.states).toEqual(['connecting', 'connected', 'lost', 'connected']);
    expect(hangUps).toEqual([{ kind: 'server-gone' }]);
    expect(test_.link.legs).toBe(0);
    await until(() => routes().length >= 2 * routed.length, 'the routes');
    await test_.invite();
  });

  test('tells how long a sign of life from the server takes, or that there is none', async () => {
    await expect(test_.link.ping({ deadlineMs: 10_000 })).resolves.toBeGreaterThanOrEqual(0);
    test_.server.answersPings = false;
    await expect(test_.link.ping({ deadlineMs: 20 })).rejects.toThrow('does not answer');
  });

  test('a ping that waits when the link breaks is told at once', async () => {
    test_.server.answersPings = false;
    const pinged = expect(test_.link.ping({ deadlineMs: 3_600_000 })).rejects.toThrow('does not answer');
    test_.server.dropConnections();
    await pinged;
  });

  test('OPTIONS is answered 200, and 503 with Retry-After while no calls are accepted', async () => {
    expect((await test_.request(frame('OPTIONS'))).startLine).toContain('200');
    test_.link.accepting = false;
    test_.server.messages.length = 0;
    const refused = await test_.request(frame('OPTIONS'));
    expect(refused.startLine).toContain('503');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('while draining, a new call is answered 503 with Retry-After and nobody is asked', async () => {
    test_.link.accepting = false;
    const refused = await test_.request(new FakeCaller(test_.server).inviteFrame());
    expect(refused.startLine).toContain('503');
    expect(refused.headers.get('retry-after')).toBeDefined();
    expect(test_.legs).toEqual([]);
  });

  test.each([
    ['REGISTER', '405'],
    ['SUBSCRIBE', '405'],
    ['PUBLISH', '405'],
    ['MESSAGE', '405'],
    ['REFER', '403'],
    ['INFO', '481'],
    ['NOTIFY', '481'],
    ['UPDATE', '481'],
    ['BYE', '481'],
    ['PRACK', '200'],
  ])('%s outside any dialog is answered %s', async (method, status) => {
    expect((await test_.request(frame(method))).startLine.split(' ')[1]).toBe(status);
  });

  test('an ACK for nothing is not answered', async () => {
    test_.server.send(frame('ACK'));
    await test_.settle();
    expect(test_.server.messages).toEqual([]);
  });

  const badInvites: [string, Record<string, string>, string][] = [
    ['no Contact', { Contact: '' }, '400'],
    ['a Contact that is no address', { Contact: ';;;' }, '400'],
    ['a Contact of *', { Contact: '*' }, '400'],
    ['an endless Contact', { Contact: `<sip:${'a '.repeat(20_000)}@h>` }, '400'],
    ['a From that is no address', { From: '<' }, '400'],
    ['an unknown required extension', { Require: 'path, 100rel' }, '420'],
    ['a body that is not SDP', { 'Content-Type': 'text/plain' }, '415'],
  ];
  test.each(badInvites)('an INVITE with %s gets no 200 and reaches no call', async (_what, headers, status) => {
    const answer = await test_.request(new FakeCaller(test_.server).inviteFrame({ headers }));
    expect(answer.startLine.split(' ')[1]).toBe(status);
    await test_.settle();
    expect(test_.legs).toEqual([]);
    expect(test_.server.responses).toHaveLength(1);
    expect(test_.bugs).toEqual([]);
  });

  test('an INVITE of a dialog that nobody has is answered 481', async () => {
    expect((await test_.request(frame('INVITE', {}, 'gone'))).startLine).toContain('481');
  });

  test('a request whose headers no answer could carry is dropped and counted', async () => {
    test_.server.send(frame('OPTIONS', { From: `<sip:${'a'.repeat(5_000)}@example.com>;tag=x` }));
    await until(() => test_.link.unanswerable === 1, 'the drop');
    expect((await test_.request(frame('OPTIONS'))).startLine).toContain('200');
  });

  test('a call handler that throws answers 500, tells the bug with its leg, and calls go on', async () => {
    test_.onCall = () => {
      throw new Error('our bug');
    };
    const answer = await test_.request(new FakeCaller(test_.server).inviteFrame());
    expect(answer.startLine).toContain('500');
    expect(test_.bugs).toEqual([{ where: 'INVITE', cause: new Error('our bug'), leg: test_.legs[0] }]);
    test_.onCall = undefined;
    await test_.invite();
    expect(test_.link.legs).toBe(1);
  });
});

describe('SipLink, connecting', () => {
  const linkTo = (server: { host: string; port: number; secret: string }): SipLink =>
    new SipLink({
      server,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onBug: () => undefined,
    });

  test('a wrong secret is told at once, and no second attempt is made', async () => {
    const server = await FakeDrachtioServer.start();
    const link = linkTo({ ...server.address, secret: 'wrong' });
    await expect(link.connect({ deadlineMs: 10_000 })).rejects.toMatchObject({ code: 'auth-failed' });
    expect(link.state).toBe('closed');
    await link.close();
    expect(server.connections).toBe(1);
    await server.close();
  });

  test('a server that comes up late is found', async () => {
    const first = await FakeDrachtioServer.start();
    const { address } = first;
    await first.close();
    const link = linkTo(address);
    const connected = link.connect({ deadlineMs: 15_000 });
    const server = await FakeDrachtioServer.start({ port: address.port });
    await connected;
    expect(link.connected).toBe(true);
    await link.close();
    await server.close();
  });

  test('without a call handler, calls are answered 480', async () => {
    const server = await FakeDrachtioServer.start();
    const link = linkTo(server.address);
    await link.connect({ deadlineMs: 10_000 });
    server.send(new FakeCaller(server).inviteFrame());
    await server.untilSent('SIP/2.0 480');
    await link.close();
    await server.close();
  });

  // Last, so that an attempt still planned after the end shows as a timer left behind.
  test('a server that is not there is told after the deadline, with the cause', async () => {
    const server = await FakeDrachtioServer.start();
    const { address } = server;
    await server.close();
    const link = linkTo(address);
    const failure = expect(link.connect({ deadlineMs: 300 })).rejects;
    await failure.toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') });
    expect(link.state).toBe('closed');
  });
});
