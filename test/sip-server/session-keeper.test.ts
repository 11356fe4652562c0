import type { SessionSettings } from '../../src/sip-server/session-expires';
import type { SipRequest } from '../../src/sip-server/sip-message';
import type { Bench } from './test-peer';
import { answer, command, createBench, requestText, responseText, sent, stackAddress } from './test-peer';

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n';
const timer = 'Supported: timer';
const update = 'Allow: INVITE, ACK, BYE, UPDATE';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function tick(): void {
  bench.clock.advance(20);
}

function send(method: string, parts: Parameters<typeof requestText>[1]): void {
  bench.peer.send(requestText(method, { branch: `z9hG4bK-${method}-${parts?.cseq ?? 1}`, ...parts }));
  tick();
}

function respond(status: number, headers: [string, string][] = [], body = ''): void {
  const { transactionId } = bench.app.requests.at(-1)!;
  sent(bench.stack.agent.respond(bench.app, transactionId, answer(status, headers, body)));
  tick();
}

function requests(method: string): SipRequest[] {
  return bench.peer.received.filter(
    (message): message is SipRequest => message.kind === 'request' && message.method === method,
  );
}

function reply(method: string, status: number, headers: string[] = [], body = ''): void {
  bench.peer.send(responseText(requests(method).at(-1)!, status, { headers, body }));
  tick();
}

/** A call of the peer's, answered with these headers; our tag. */
function incomingCall(headers: string[], said: [string, string][]): string {
  send('INVITE', { headers, body: sdp });
  respond(200, said, sdp);
  const toTag = /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  send('ACK', { toTag });
  return toTag;
}

/** A call of the application's that asks for this. */
function outgoingCall(asked: string, answered: string[]): void {
  const invite = {
    ...command('INVITE', 'sip:alice@127.0.0.2:5060', [['Session-Expires', asked]]),
    body: Buffer.from(sdp),
  };
  bench.stack.agent.sender.request(bench.app, invite, undefined, (result) => sent(result));
  tick();
  reply('INVITE', 200, answered, sdp);
  const { dialogId } = bench.app.responses[0]!;
  bench.stack.agent.sender.acknowledge(bench.app, dialogId!, command('ACK'), (result) => sent(result));
  tick();
}

function reason(): string | undefined {
  return requests('BYE')[0]?.headers.first('Reason');
}

describe('the peer refreshes', () => {
  const said: [string, string][] = [['Session-Expires', '90;refresher=uac']];

  test('as the application wants: a session without refresh is hung up 30 s before 90 s are over', () => {
    incomingCall([timer], said);
    const { headers } = bench.peer.last('response');
    expect(headers.first('Session-Expires')).toBe('90;refresher=uac');
    expect(headers.first('Require')).toBe('timer');

    bench.clock.advance(59_900);
    expect(bench.app.ended).toEqual([]);
    bench.clock.advance(100);

    expect(reason()).toBe('SIP;cause=200;text="Session timer expired"');
    expect(bench.app.ended).toHaveLength(1);
    expect(bench.stats.sessionsExpired).toBe(1);
    expect(bench.app.cdrs.at(-1)?.detail).toBe('session-expired');
  });

  test.each(['INVITE', 'UPDATE'])('with %s: the session goes on for another interval', (method) => {
    const toTag = incomingCall([timer], said);
    for (let cseq = 2; cseq < 6; cseq += 1) {
      bench.clock.advance(45_000);
      send(method, { toTag, cseq, headers: [timer, 'Session-Expires: 90;refresher=uac'] });
      respond(200, [], method === 'INVITE' ? sdp : '');
      if (method === 'INVITE') send('ACK', { toTag, cseq });
      expect(bench.peer.received.find(({ kind }) => kind === 'response')).toBeDefined();
    }
    expect(bench.app.ended).toEqual([]);

    bench.clock.advance(60_000);
    expect(bench.app.ended).toHaveLength(1);
  });

  test('a BYE ends the timer, too', () => {
    const toTag = incomingCall([timer], said);
    send('BYE', { toTag, cseq: 2 });
    respond(200);
    bench.clock.advance(200_000);

    expect(requests('BYE')).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a refresh that is refused does not count', () => {
    const toTag = incomingCall([timer], said);
    bench.clock.advance(45_000);
    send('INVITE', { toTag, cseq: 2, headers: [timer, 'Session-Expires: 90;refresher=uac'] });
    respond(488);
    bench.clock.advance(16_000);

    expect(bench.app.ended).toHaveLength(1);
  });
});

describe('an interval that is too small', () => {
  test('gets 422 with Min-SE, at the beginning and later, and no application sees it', () => {
    send('INVITE', { branch: 'z9hG4bK-0', callId: 'call-0', headers: [timer, 'Session-Expires: 60'] });

    expect(bench.peer.last('response').status).toBe(422);
    expect(bench.peer.last('response').headers.first('Min-SE')).toBe('90');
    expect(bench.app.requests).toEqual([]);

    const toTag = incomingCall([timer], []);
    send('UPDATE', { toTag, cseq: 2, headers: [timer, 'x: 60'] });
    expect(bench.peer.last('response').status).toBe(422);
    expect(bench.stats.refusedSessionInterval).toBe(2);
  });
});

describe('we refresh', () => {
  const said: [string, string][] = [['Session-Expires', '100;refresher=uas']];

  test('with UPDATE at half time, for ever, unseen by the application', () => {
    incomingCall([timer, update], said);
    for (let round = 1; round <= 4; round += 1) {
      bench.clock.advance(50_000);
      expect(requests('UPDATE')).toHaveLength(round);
      reply('UPDATE', 200, ['Session-Expires: 100;refresher=uac']);
    }

    expect(requests('UPDATE')[0]?.headers.first('Session-Expires')).toBe('100;refresher=uac');
    expect(requests('UPDATE')[0]?.headers.first('Supported')).toBe('timer');
    expect(requests('UPDATE')[0]?.body).toHaveLength(0);
    expect(bench.app.responses).toEqual([]);
    expect(bench.app.ended).toEqual([]);
  });

  test('with a re-INVITE that repeats our description where the peer has no UPDATE, and acknowledge it', () => {
    incomingCall([timer], said);
    bench.clock.advance(50_000);
    expect(requests('INVITE')[0]?.body.toString()).toBe(sdp);
    reply('INVITE', 200, ['Session-Expires: 100;refresher=uac'], sdp);

    expect(bench.peer.seen.at(-1)).toBe('ACK');
    expect(bench.app.responses).toEqual([]);
    bench.clock.advance(50_000);
    expect(requests('INVITE')).toHaveLength(2);
  });

  test('a peer that knows no timers, by ourselves', () => {
    incomingCall([update], [['Session-Expires', '100;refresher=uac']]);
    for (let round = 1; round <= 3; round += 1) {
      bench.clock.advance(50_000);
      reply('UPDATE', 200);
    }

    expect(requests('UPDATE')).toHaveLength(3);
    expect(bench.app.ended).toEqual([]);
  });

  test('and try another way when the peer knows no UPDATE after all', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', 405);

    expect(requests('INVITE')).toHaveLength(1);
  });

  test('as often as the peer allows', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', 422, ['Min-SE: 200']);

    expect(requests('UPDATE')).toHaveLength(2);
    expect(requests('UPDATE')[1]?.headers.first('Session-Expires')).toBe('200;refresher=uac');
  });

  test('twice a day when the peer allows no more than once in a century', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', 422, ['Min-SE: 4294967295']);
    expect(requests('UPDATE')[1]?.headers.first('Session-Expires')).toBe('4294967295;refresher=uac');
    reply('UPDATE', 200, ['Session-Expires: 4294967295;refresher=uac']);
    bench.peer.forget();

    bench.clock.advance(12 * 3_600_000);
    expect(requests('UPDATE')).toHaveLength(1);
  });

  test('in time when the peer allows less and never answers', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', 422, ['Min-SE: 4294967295']);
    bench.clock.advance(24 * 3_600_000);

    expect(bench.app.ended).toHaveLength(1);
  });

  test.each([
    [491, 2_000],
    [500, 5_000],
  ])('again after a %i', (status, withinMs) => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', status);
    expect(bench.app.ended).toEqual([]);
    bench.clock.advance(withinMs);

    const branches = requests('UPDATE').map(({ headers }) => headers.first('Via'));
    expect(new Set(branches).size).toBe(2);
  });

  test('in vain: the session is hung up when it expires', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    for (let round = 0; round < 4; round += 1) {
      reply('UPDATE', 500);
      bench.clock.advance(5_000);
    }

    expect(reason()).toBe('SIP;cause=200;text="Session timer expired"');
    expect(bench.app.ended).toHaveLength(1);
  });

  test('a peer that has lost the call: it is hung up at once', () => {
    incomingCall([timer, update], said);
    bench.clock.advance(50_000);
    reply('UPDATE', 481);

    expect(bench.app.ended).toHaveLength(1);
  });

  test('only after an INVITE that is under way has settled', () => {
    const toTag = incomingCall([timer], said);
    bench.clock.advance(49_900);
    send('INVITE', { toTag, cseq: 2, body: sdp });
    bench.clock.advance(100);
    expect(requests('INVITE')).toEqual([]);
    respond(200, [], sdp);
    send('ACK', { toTag, cseq: 2 });

    expect(requests('INVITE')).toHaveLength(1);
  });
});

describe('a call of the application', () => {
  test('says that it knows timers, and is refreshed by us when the peer wants it so', () => {
    outgoingCall('90', [update, 'Session-Expires: 90;refresher=uac']);
    expect(requests('INVITE')[0]?.headers.first('Supported')).toBe('timer');
    bench.clock.advance(45_000);

    expect(requests('UPDATE')).toHaveLength(1);
  });

  test('is hung up when the peer wanted to refresh and does not', () => {
    outgoingCall('90', ['Session-Expires: 90;refresher=uas']);
    bench.clock.advance(60_100);

    expect(bench.app.ended).toHaveLength(1);
    expect(reason()).toContain('Session timer expired');
  });

  test('goes on with its terms in its own re-INVITEs, which count as refreshes', () => {
    outgoingCall('90', [update, 'Session-Expires: 90;refresher=uac']);
    const { dialogId } = bench.app.responses[0]!;
    bench.clock.advance(30_000);
    const again = { ...command('INVITE'), body: Buffer.from(sdp) };
    bench.stack.agent.sender.requestInDialog(bench.app, dialogId!, again, (result) => sent(result));
    tick();
    expect(requests('INVITE')[1]?.headers.first('Session-Expires')).toBe('90;refresher=uac');
    reply('INVITE', 200, ['Session-Expires: 90;refresher=uac'], sdp);
    bench.stack.agent.sender.acknowledge(bench.app, dialogId!, command('ACK'), (result) => sent(result));
    bench.clock.advance(44_900);
    expect(requests('UPDATE')).toEqual([]);
    bench.clock.advance(200);

    expect(requests('UPDATE')).toHaveLength(1);
  });
});

test('settings: a longer minimum, and no timer unless the application says so', () => {
  const sessions: Partial<SessionSettings> = { minSeconds: 600, answerForApplication: false };
  bench = createBench({ sessions });
  send('INVITE', { uri: `sip:bob@${stackAddress}`, headers: [timer, 'Session-Expires: 300'] });
  expect(bench.peer.last('response').headers.first('Min-SE')).toBe('600');

  send('INVITE', { branch: 'z9hG4bK-2', callId: 'call-2', headers: [timer, 'Session-Expires: 900'] });
  respond(200, [], sdp);
  expect(bench.peer.last('response').headers.has('Session-Expires')).toBe(false);
});
