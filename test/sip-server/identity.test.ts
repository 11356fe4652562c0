import type { Bench } from './test-peer';
import { answer, command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function tick(): void {
  bench.clock.advance(20);
}

function send(method: string, parts: Parameters<typeof requestText>[1] = {}): string | number | undefined {
  bench.peer.forget();
  bench.peer.send(requestText(method, parts));
  tick();
  return bench.peer.seen.at(-1);
}

/** The application's answer to the last request it got. */
function respond(status: number, body = ''): void {
  sent(bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(status, [], body)));
  tick();
}

function ourTag(): string {
  return /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
}

describe('a response with our branch', () => {
  const changes: [string, (text: string) => string][] = [
    ['of another call', (text) => text.replace(/Call-ID: .*\r/, 'Call-ID: another\r')],
    ['of another caller', (text) => text.replace(/(From: .*);tag=.*\r/, '$1;tag=another\r')],
    ['to another number', (text) => text.replace(/CSeq: \d+/, 'CSeq: 99')],
    ['for somebody behind us', (text) => text.replace('From:', 'Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK-9\r\nFrom:')],
  ];

  test.each(changes)('but %s is dropped, and the true one counts', (_which, change) => {
    const template = command('INVITE', `sip:alice@${peerAddress}`);
    bench.stack.agent.sender.request(bench.app, template, undefined, (result) => sent(result));
    tick();
    const text = responseText(bench.peer.request('INVITE'), 200);

    bench.peer.send(change(text));
    tick();
    expect(bench.app.statuses).toEqual([]);
    expect(bench.stats.strayResponsesDropped).toBe(1);

    bench.peer.send(text);
    tick();
    expect(bench.app.statuses).toEqual([200]);
  });
});

describe('a CANCEL', () => {
  test('of a request that is no INVITE is agreed to, and changes nothing', () => {
    send('OPTIONS', { branch: 'z9hG4bK-o' });

    expect(send('CANCEL', { branch: 'z9hG4bK-o' })).toBe(200);
    expect(bench.app.cancels).toEqual([]);
    respond(200);
    expect(bench.peer.seen).toEqual([200, 200]);
  });

  test('of nothing gets 481', () => {
    expect(send('CANCEL')).toBe(481);
  });
});

describe('a request that comes by a second way', () => {
  test('is refused with one tag, however often it comes', () => {
    send('INVITE');
    const tags = ['', ''].map(() => {
      expect(send('INVITE', { branch: 'z9hG4bK-second' })).toBe(482);
      return ourTag();
    });

    expect(tags[0]).toBe(tags[1]);
    expect(bench.stats.refusedMerged).toBe(1);
  });

  test('is let in when we had refused it: a proxy may try our numbers one after the other', () => {
    send('INVITE', { uri: 'sip:1@127.0.0.1' });
    respond(486);
    send('ACK', { branch: 'z9hG4bK-INVITE-1' });

    expect(send('INVITE', { uri: 'sip:2@127.0.0.1', branch: 'z9hG4bK-second' })).toBe(100);
    expect(bench.app.requests).toHaveLength(2);
  });
});

describe('a new call with Call-ID and tag of one that', () => {
  const again = { cseq: 2, branch: 'z9hG4bK-again' };

  test('rings is refused: the application could not tell them apart', () => {
    send('INVITE');

    expect(send('INVITE', again)).toBe(482);
    expect(bench.app.requests).toHaveLength(1);
  });

  test('is up is refused, and so is a subscription', () => {
    send('INVITE');
    respond(200);
    send('ACK', { toTag: ourTag() });

    expect(send('INVITE', again)).toBe(482);
    expect(send('SUBSCRIBE', again)).toBe(482);
    expect(bench.app.requests).toHaveLength(1);
  });

  test('is over is let in', () => {
    send('INVITE');
    respond(486);

    expect(send('INVITE', again)).toBe(100);
    expect(bench.app.requests).toHaveLength(2);
  });
});

test('a phone that starts anew may subscribe again before its subscription has ended', () => {
  send('SUBSCRIBE', { headers: ['Event: presence'] });
  respond(202);
  send('SUBSCRIBE', { headers: ['Event: presence'], cseq: 2, branch: 'z9hG4bK-again' });

  expect(bench.app.requests).toHaveLength(2);
});

test('a re-INVITE with the number of one that waits for its ACK is out of order', () => {
  send('INVITE', { body: 'v=0\r\n' });
  respond(200, 'v=0\r\n');
  const toTag = ourTag();

  expect(send('INVITE', { toTag, branch: 'z9hG4bK-again', body: 'v=0\r\n' })).toBe(500);
  send('ACK', { toTag });
  expect(bench.app.acks).toHaveLength(1);
  bench.clock.advance(60_000);
  expect(bench.app.ended).toEqual([]);
});

describe('in a call whose application is gone before the ACK', () => {
  test.each([
    ['BYE', 200],
    ['INFO', 481],
  ])('a %s is answered at once', (method, status) => {
    send('INVITE');
    respond(200);
    const toTag = ourTag();
    bench.stack.agent.dropApplication(bench.app);

    expect(send(method, { toTag, cseq: 2 })).toBe(status);
    expect(bench.app.requests).toHaveLength(1);
    bench.clock.advance(120_000);
    expect([bench.stack.dialogs.size, bench.clock.pendingTimers]).toEqual([0, 0]);
  });
});
