import type { SipRequest } from '../../src/sip-server/sip-message';
import type { Bench } from './test-peer';
import { answer, command, createBench, requestText, responseText, sent } from './test-peer';

/** What the last NOTIFY may take (RFC 6665, timer N). */
const graceMs = 32_000;

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

/** The peer subscribes, and the application accepts. */
function accept(
  text = requestText('SUBSCRIBE', { headers: ['Event: presence', 'Expires: 60'] }),
  headers: [string, string][] = [],
): string {
  bench.peer.send(text);
  bench.clock.advance(20);
  const { transactionId } = bench.app.requests.at(-1)!;
  const { dialogId } = sent(bench.stack.agent.respond(bench.app, transactionId, answer(202, headers)));
  bench.clock.advance(20);
  return dialogId!;
}

/** The peer refreshes the subscription that the application has accepted last. */
function refresh(expires: number, cseq = 2): void {
  const toTag = /;tag=([0-9a-f]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  const headers = ['Event: presence', `Expires: ${expires}`];
  bench.peer.send(requestText('SUBSCRIBE', { toTag, cseq, branch: `z9hG4bK-refresh-${cseq}`, headers }));
  bench.clock.advance(20);
  sent(bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(200)));
  bench.clock.advance(20);
}

/** The application subscribes with the peer. */
function subscribe(headers: string[] = []): string {
  const template = command('SUBSCRIBE', 'sip:alice@127.0.0.2', [
    ['Event', 'presence'],
    ['Expires', '60'],
  ]);
  bench.stack.agent.sender.request(bench.app, template, undefined, () => undefined);
  bench.clock.advance(20);
  bench.peer.send(responseText(bench.peer.last('request'), 200, { headers }));
  bench.clock.advance(20);
  return bench.app.responses.at(-1)!.dialogId!;
}

function reply(status: number, headers: string[] = []): void {
  bench.peer.send(responseText(bench.peer.last('request'), status, { headers }));
  bench.clock.advance(20);
}

function sendInDialog(dialogId: string, method: string, headers: [string, string][]): SipRequest {
  bench.stack.agent.sender.requestInDialog(
    bench.app,
    dialogId,
    command(method, 'sip:placeholder', [['Event', 'presence'], ...headers]),
    () => undefined,
  );
  bench.clock.advance(20);
  return bench.peer.last('request');
}

function notifyText(dialogId: string, state: string): string {
  const [callId = '', tag = ''] = dialogId.split(';from-tag=');
  const headers = ['Event: presence', `Subscription-State: ${state}`];
  return requestText('NOTIFY', { callId, fromTag: 'peer-tag', toTag: tag, headers });
}

describe('a subscription of the peer', () => {
  test('ends when nobody refreshes it: with a last NOTIFY, and the application is told', () => {
    const dialogId = accept();

    bench.clock.advance(60_000 + graceMs - 100);
    expect([bench.stack.dialogs.size, bench.app.ended.length]).toEqual([1, 0]);
    bench.clock.advance(200);

    expect(bench.stack.dialogs.size).toBe(0);
    const notify = bench.peer.request('NOTIFY');
    expect(notify.headers.first('Subscription-State')).toBe('terminated;reason=timeout');
    expect(notify.headers.first('Event')).toBe('presence');
    expect(bench.app.ended.map((ended) => ended.dialogId)).toEqual([dialogId]);
    expect(bench.stats.subscriptionsExpired).toBe(1);
    reply(200);
    bench.clock.advance(40_000);
    expect([bench.stack.transactions.clientCount, bench.clock.pendingTimers]).toEqual([0, 0]);
  });

  test('has the time of our answer, not what the peer had asked for', () => {
    accept(undefined, [['Expires', '10']]);

    bench.clock.advance(10_000 + graceMs);

    expect(bench.stack.dialogs.size).toBe(0);
  });

  test.each([
    ['more than may be', ['Expires: 4294967295']],
    ['nothing', []],
    ['rubbish', ['Expires: soon']],
  ])('that asks for %s lasts for an hour, and the answer says so', (_what, headers) => {
    accept(requestText('SUBSCRIBE', { headers: ['Event: presence', ...headers] }));

    expect(bench.peer.last('response').headers.first('Expires')).toBe('3600');
    bench.clock.advance(3_600_000 + graceMs);
    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('lives on with each refresh', () => {
    accept();
    for (let cseq = 2; cseq < 12; cseq += 1) {
      bench.clock.advance(50_000);
      refresh(60, cseq);
    }
    expect(bench.stack.dialogs.size).toBe(1);

    bench.clock.advance(60_000 + graceMs);

    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('that the peer ends waits for the last NOTIFY of the application, and not for longer', () => {
    accept();

    refresh(0);
    expect(bench.stack.dialogs.size).toBe(1);
    bench.clock.advance(graceMs);

    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('has the time that our NOTIFY names', () => {
    const dialogId = accept();
    sendInDialog(dialogId, 'NOTIFY', [['Subscription-State', 'active;expires=300']]);
    reply(200);

    bench.clock.advance(290_000);
    expect(bench.stack.dialogs.size).toBe(1);
    bench.clock.advance(10_000 + graceMs);

    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('ends when the peer knows nothing of it', () => {
    const dialogId = accept();
    sendInDialog(dialogId, 'NOTIFY', [['Subscription-State', 'active']]);

    reply(481);

    expect(bench.app.statuses).toEqual([481]);
    expect(bench.app.ended.map((ended) => ended.dialogId)).toEqual([dialogId]);
    expect(bench.stack.dialogs.size).toBe(0);
  });
});

describe('a subscription of ours', () => {
  test('ends when nobody refreshes it, and the application is told', () => {
    const dialogId = subscribe(['Expires: 30']);

    bench.clock.advance(29_000 + graceMs);
    expect(bench.stack.dialogs.size).toBe(1);
    bench.clock.advance(1_000);

    expect(bench.stack.dialogs.size).toBe(0);
    expect(bench.app.ended.map((ended) => ended.dialogId)).toEqual([dialogId]);
    expect(bench.peer.seen).toEqual(['SUBSCRIBE']);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('lives on with a refresh of ours', () => {
    const dialogId = subscribe(['Expires: 30']);
    bench.clock.advance(25_000);

    sendInDialog(dialogId, 'SUBSCRIBE', [['Expires', '90']]);
    reply(200);
    bench.clock.advance(85_000);
    expect(bench.stack.dialogs.size).toBe(1);
    bench.clock.advance(5_000 + graceMs);

    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('has the time that the NOTIFY of the peer names', () => {
    const dialogId = subscribe(['Expires: 3000']);

    bench.peer.send(notifyText(dialogId, 'active;reason=x;Expires=15'));
    bench.clock.advance(15_000 + graceMs + 20);

    expect(bench.stack.dialogs.size).toBe(0);
  });
});

test('subscriptions take no room of calls, nor calls of subscriptions', () => {
  bench = createBench({ limits: { dialogs: 1, subscriptions: 2 } });
  const statusOf = (method: string, number: number): number => {
    bench.peer.send(requestText(method, { callId: `call-${number}`, branch: `z9hG4bK-${number}` }));
    bench.clock.advance(20);
    if (bench.peer.seen.at(-1) === 503) return 503;
    const { transactionId } = bench.app.requests.at(-1)!;
    sent(bench.stack.agent.respond(bench.app, transactionId, answer(200, [], method === 'INVITE' ? 'v=0\r\n' : '')));
    return 200;
  };

  expect([1, 2, 3].map((number) => statusOf('SUBSCRIBE', number))).toEqual([200, 200, 503]);
  expect([4, 5].map((number) => statusOf('INVITE', number))).toEqual([200, 503]);
  expect([bench.stats.refusedSubscriptions, bench.stats.refusedOverload]).toEqual([1, 1]);

  bench.clock.advance(3_600_000 + 2 * graceMs);
  expect(statusOf('SUBSCRIBE', 6)).toBe(200);
});

test('SUBSCRIBEs that nobody has answered count, too', () => {
  bench = createBench({ limits: { subscriptions: 2 } });
  for (const number of [1, 2, 3])
    bench.peer.send(requestText('SUBSCRIBE', { callId: `call-${number}`, branch: `z9hG4bK-${number}` }));
  bench.clock.advance(20);

  expect(bench.peer.seen).toEqual([503]);
});

describe('addresses that drachtio-srf could not read', () => {
  function subscribeAt(to: string): void {
    const text = requestText('SUBSCRIBE', { headers: ['Event: presence'] });
    bench.peer.send(text.replace(/^To: .*$/m, `To: ${to}`));
    bench.clock.advance(20);
  }

  test.each([
    ['SIP:bob@127.0.0.1', '<sip:bob@127.0.0.1>'],
    ['Bob <SIPS:Bob@h>', 'Bob <sips:Bob@h>'],
    ['<TEL:+1-555>', '<tel:+1-555>'],
  ])('a SUBSCRIBE to %s comes as %s', (to, written) => {
    subscribeAt(to);

    expect(bench.app.requests[0]!.arrival.message.headers.first('To')).toBe(written);
  });

  test.each(['<urn:service:sos>', '<sip:bob@h;a=>', '<sip:b@[::ffff:1.2.3.4]>', '<tel:a>', '<sip:a@b@c>'])(
    'a SUBSCRIBE to %s is refused',
    (to) => {
      subscribeAt(to);

      expect(bench.peer.seen).toEqual([400]);
      expect(bench.app.requests).toEqual([]);
    },
  );

  test('whatever To a NOTIFY has, its application sees that of the dialog', () => {
    const dialogId = subscribe();
    const from = bench.peer.request('SUBSCRIBE').headers.first('From');

    const text = notifyText(dialogId, 'active');
    bench.peer.send(text.replace(/^To: <[^>]*>/m, 'To: <urn:service:sos>'));
    bench.clock.advance(20);

    expect(bench.app.requests[0]!.arrival.message.headers.first('To')).toBe(from);
  });
});
