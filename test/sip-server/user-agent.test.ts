import { seededRandom } from '../../src/runtime/random';
import type { IncomingEvent } from '../../src/sip-server/application';
import type { Bench } from './test-peer';
import {
  RecordingApplication,
  answer,
  command,
  createBench,
  peerAddress,
  requestText,
  sent,
  stackAddress,
} from './test-peer';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

/** What a request outside dialogs is answered with when the application stays silent. */
function statusOf(text: string): string | number | undefined {
  bench.peer.send(text);
  bench.clock.advance(20);
  return bench.peer.seen.at(-1);
}

describe('a request outside dialogs', () => {
  test.each([
    ['an unknown URI scheme', requestText('OPTIONS', { uri: 'nobodyKnowsThisScheme:opaque' }), 416],
    ['a number as URI', requestText('INVITE', { uri: 'tel:+1555' }), 416],
    ['a URI that is none', requestText('OPTIONS', { uri: 'sip:a@b@c' }), 400],
    ['an extension that we do not know', requestText('OPTIONS', { headers: ['Require: nothing, 100rel'] }), 420],
    ['another method in CSeq', requestText('OPTIONS').replace('1 OPTIONS', '1 INVITE'), 400],
    ['a CSeq out of range', requestText('OPTIONS').replace('1 OPTIONS', '4294967296 OPTIONS'), 400],
    ['a negative Max-Forwards', requestText('OPTIONS').replace('Forwards: 70', 'Forwards: -1'), 400],
    ['two Call-IDs', requestText('OPTIONS', { headers: ['i: other'] }), 400],
    ['no To', requestText('OPTIONS').replace(/To:.*\r\n/, ''), 400],
    ['an unterminated quote', requestText('OPTIONS').replace('To: <', 'To: "Bob <'), 400],
    ['a Call-ID that would break our protocol', requestText('OPTIONS', { callId: 'a|b' }), 400],
    ['a Contact that leads nowhere', requestText('INVITE', { headers: ['Contact: <tel:+1555>'] }), 400],
    ['a Contact for everything', requestText('INVITE', { headers: ['Contact: *'] }), 400],
    ['another version of SIP', requestText('OPTIONS').replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), 505],
    ['a BYE', requestText('BYE'), 481],
    ['a PRACK', requestText('PRACK'), 481],
    ['a dialog that is not ours', requestText('INVITE', { toTag: 'unknown' }), 481],
  ])('with %s is refused and not delivered', (_what, text, status) => {
    expect(statusOf(text)).toBe(status);
    expect(bench.app.requests).toEqual([]);
  });

  test('names the extensions it is refused for', () => {
    statusOf(requestText('OPTIONS', { headers: ['Require: one', 'Require: 100rel, two'] }));

    expect(bench.peer.last('response').headers.first('Unsupported')).toBe('one, two');
  });

  test.each(['INVITE', 'OPTIONS', 'REGISTER', 'MESSAGE', 'NOTIFY', 'REFER'])(
    '%s without an application gets 503',
    (method) => {
      bench.setApplication(undefined);

      expect(statusOf(requestText(method))).toBe(503);
      expect(bench.stats.refusedNoApplication).toBe(1);
    },
  );

  test('with an unknown method gets 501 without an application, and is delivered to one that wants it', () => {
    bench.setApplication(undefined);
    expect(statusOf(requestText('NEWMETHOD'))).toBe(501);
    bench.setApplication(bench.app);

    statusOf(requestText('NEWMETHOD', { branch: 'z9hG4bK-2', callId: 'call-2' }));

    expect(bench.app.requests).toHaveLength(1);
  });

  test('that the application leaves alone gets 500 before the peer gives up', () => {
    expect(statusOf(requestText('OPTIONS'))).toBeUndefined();

    bench.clock.advance(30_000);

    expect(bench.peer.seen).toEqual([500]);
    expect(bench.stats.unansweredByApplication).toBe(1);
  });

  test('that an application could understand in two ways gets 400, in a dialog and outside', () => {
    expect(statusOf(requestText('REFER'))).toBe(400);
    const events = { headers: ['Event: one', 'o: two'] };
    expect(statusOf(requestText('SUBSCRIBE', { ...events, callId: 'call-2' }))).toBe(400);
    statusOf(requestText('SUBSCRIBE', { callId: 'call-3', branch: 'z9hG4bK-3', headers: ['Event: one'] }));
    bench.stack.agent.respond(bench.app, bench.app.requests[0]!.transactionId, answer(202));
    bench.clock.advance(20);
    const toTag = /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
    const again = { toTag, callId: 'call-3', branch: 'z9hG4bK-4', cseq: 2 };
    expect(statusOf(requestText('SUBSCRIBE', { ...events, ...again }))).toBe(400);

    expect(bench.app.requests).toHaveLength(1);
    expect(bench.stats.refusedMalformed).toBe(3);
  });

  test('that comes a second time by another way gets 482', () => {
    statusOf(requestText('INVITE'));

    expect(statusOf(requestText('INVITE', { branch: 'z9hG4bK-second-way' }))).toBe(482);
    expect(bench.app.requests).toHaveLength(1);
  });

  test('of a peer from before RFC 3261 is told from its repetition by its identity', () => {
    const old = requestText('INVITE')
      .replace(/;branch=[^\r]*/, '')
      .replace(';tag=peer-tag', '');

    statusOf(old);
    statusOf(old);
    expect(bench.app.requests).toHaveLength(1);
    const { transactionId } = bench.app.requests[0]!;
    bench.stack.agent.respond(bench.app, transactionId, answer(486));
    bench.clock.advance(10);
    bench.peer.send(old.replace(/INVITE/g, 'ACK'));
    bench.clock.advance(60_000);

    expect(bench.peer.intervalsMs(486)).toEqual([]);
  });
});

test('above the limit of dialogs an INVITE gets 503 with Retry-After', () => {
  bench = createBench({ limits: { dialogs: 1 } });
  statusOf(requestText('INVITE'));

  expect(statusOf(requestText('INVITE', { branch: 'z9hG4bK-2', callId: 'call-2' }))).toBe(503);
  expect(bench.peer.last('response').headers.has('Retry-After')).toBe(true);
  expect(bench.stats.refusedOverload).toBe(1);
});

test('above the limit of transactions a request gets 503 and leaves nothing behind', () => {
  bench = createBench({ limits: { serverTransactions: 1 } });
  statusOf(requestText('OPTIONS'));

  expect(statusOf(requestText('OPTIONS', { branch: 'z9hG4bK-2', callId: 'call-2' }))).toBe(503);
  expect(bench.stack.transactions.serverCount).toBe(1);
});

test('an application answers only its own requests and speaks only in its own dialogs', () => {
  const other = new RecordingApplication();
  statusOf(requestText('INVITE'));
  const { transactionId } = bench.app.requests[0]!;

  expect(bench.stack.agent.respond(other, transactionId, answer(200))).toHaveProperty('refused');
  const { dialogId } = sent(bench.stack.agent.respond(bench.app, transactionId, answer(200)));
  const results: unknown[] = [];
  bench.stack.agent.sender.requestInDialog(other, dialogId!, command('BYE'), (result) => results.push(result));

  expect(results).toEqual([{ refused: 'Server error: unable to find dialog for dialog id provided' }]);
});

test('an application that is gone leaves its callers refused and its calls hung up', () => {
  statusOf(requestText('INVITE'));
  sent(bench.stack.agent.respond(bench.app, bench.app.requests[0]!.transactionId, answer(200)));
  bench.clock.advance(20);
  const toTag = bench.peer.last('response').headers.first('To')!.split('tag=')[1]!;
  bench.peer.send(requestText('ACK', { branch: 'z9hG4bK-ack', toTag }));
  statusOf(requestText('INVITE', { branch: 'z9hG4bK-2', callId: 'call-2' }));

  bench.stack.agent.dropApplication(bench.app);
  bench.clock.advance(20);

  expect(bench.peer.seen.slice(-2).sort()).toEqual([503, 'BYE']);
  expect(bench.peer.request('BYE').headers.first('Reason')).toContain('application disconnected');
});

test('closing refuses what waits, hangs up what talks and takes nothing more', () => {
  statusOf(requestText('INVITE'));

  bench.stack.agent.close();
  bench.clock.advance(20);

  expect(bench.peer.seen.at(-1)).toBe(503);
  expect(statusOf(requestText('OPTIONS'))).toBe(503);
});

describe('subscriptions', () => {
  function subscribe(): string {
    statusOf(requestText('SUBSCRIBE', { headers: ['Event: presence', 'Expires: 60'] }));
    return sent(bench.stack.agent.respond(bench.app, bench.app.requests[0]!.transactionId, answer(202))).dialogId!;
  }

  test('an accepted SUBSCRIBE makes a dialog, the answered last NOTIFY ends it', () => {
    const dialogId = subscribe();
    expect(bench.stack.dialogs.size).toBe(1);
    const notify = command('NOTIFY', 'sip:placeholder', [
      ['Event', 'presence'],
      ['Subscription-State', 'terminated'],
    ]);

    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, notify, () => undefined);
    bench.clock.advance(20);
    const request = bench.peer.request('NOTIFY');
    expect(request.uri).toBe(`sip:alice@${peerAddress}:5060`);
    bench.peer.send(
      [
        'SIP/2.0 200 OK',
        ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${request.headers.first(name)}`),
      ]
        .concat('Content-Length: 0', '', '')
        .join('\r\n'),
    );
    bench.clock.advance(20);

    expect(bench.stack.dialogs.size).toBe(0);
  });
});

test('ten thousand mutated messages leave the server alive, within its limits and empty in the end', () => {
  const limits = { serverTransactions: 2_000, clientTransactions: 500, dialogs: 100 };
  bench = createBench({ limits, seed: 7 });
  const random = seededRandom(99);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.fraction() * values.length)]!;
  answerAtRandom(bench, pick);
  const toTags: (string | undefined)[] = [undefined, undefined, undefined];

  for (let round = 0; round < 10_000; round += 1) {
    bench.peer.send(mutatedMessage(round, pick, toTags));
    bench.clock.advance(random.fraction() * 40);
    const success = bench.peer.received.find((message) => message.kind === 'response' && message.status < 300);
    const tag = /;tag=([0-9a-f]+)/.exec(success?.headers.first('To') ?? '')?.[1];
    if (tag !== undefined) toTags[round % toTags.length] = tag;
    expect(bench.stack.transactions.serverCount).toBeLessThanOrEqual(limits.serverTransactions);
    bench.peer.received.length = 0;
    bench.network.shipments.length = 0;
  }
  bench.clock.advance(200_000);
  bench.stack.agent.dropApplication(bench.app);
  bench.clock.advance(200_000);

  const inDialogs = bench.app.requests.filter(({ dialogId }) => dialogId !== undefined);
  // Enough got through for the layers above the parser to have been at work.
  expect(bench.app.requests.length).toBeGreaterThan(500);
  expect(inDialogs.length).toBeGreaterThan(20);
  expect(bench.app.acks.length).toBeGreaterThan(0);
  expect(bench.app.ended.length).toBeGreaterThan(20);
  expect([bench.stack.dialogs.size, bench.stack.transactions.serverCount, bench.clock.pendingTimers]).toEqual([
    0, 0, 0,
  ]);
}, 60_000);

/** An application that does anything at any time. */
function answerAtRandom({ app, stack }: Bench, pick: <T>(values: readonly T[]) => T): void {
  const record = app.onRequest.bind(app);
  app.onRequest = (event: IncomingEvent) => {
    record(event);
    const status = pick([0, 180, 183, 200, 200, 302, 404, 486, 603]);
    if (status !== 0) stack.agent.respond(app, event.transactionId, answer(status));
    const { dialogId } = event;
    if (dialogId !== undefined) {
      stack.agent.sender.requestInDialog(app, dialogId, command(pick(['BYE', 'INFO', 'INVITE'])), () => undefined);
    }
  };
}

/** One of a few calls, with something wrong more often than not. */
function mutatedMessage(
  round: number,
  pick: <T>(values: readonly T[]) => T,
  toTags: readonly (string | undefined)[],
): string {
  const method = pick(['INVITE', 'INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'PRACK', 'UPDATE', 'SUBSCRIBE', 'INFO']);
  const opens = method === 'INVITE' || method === 'OPTIONS' || method === 'SUBSCRIBE';
  const toTag = pick(opens ? [undefined, undefined, undefined, ...toTags] : toTags);
  const text = requestText(method, {
    branch: pick([`z9hG4bK-${round}`, `z9hG4bK-${round}`, `z9hG4bK-${round - 1}`, 'z9hG4bK', 'old']),
    callId: `call-${Math.floor(round / 12)}`,
    ...(toTag === undefined ? {} : { toTag }),
    cseq: pick([1, 1, 1, 2, 3, round % 100]),
    headers: pick([
      [],
      ['Supported: 100rel'],
      [`Record-Route: <sip:${peerAddress};lr>`],
      ['Contact: <sip:x@[::1]>'],
      ['Route: ,'],
    ]),
  });
  const at = pick([0, 20, 60, 100, 140, 180, 220, 260, 300]);
  const noise = pick(['\x00', ';;', '"', '<', '\r\n', '\r\n\r\n', ' ', ',', '\xff', '%', 'a'.repeat(300), '']);
  const changed = text.slice(0, at) + noise + text.slice(at);
  const whole = pick([true, true, true, false]) ? text : changed;
  const uri = `sip:bob@${stackAddress}`;
  return whole.replace(uri, pick([uri, uri, uri, uri, uri, 'sip:', 'tel:1', 'sip:bob@host:99999']));
}
