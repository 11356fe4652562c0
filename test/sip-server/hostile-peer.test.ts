import { forksMax } from '../../src/sip-server/outgoing-invite';
import type { Bench } from './test-peer';
import { answer, command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function tick(): void {
  bench.clock.advance(20);
}

function invite(): void {
  const template = command('INVITE', `sip:alice@${peerAddress}`);
  bench.stack.agent.sender.request(bench.app, template, undefined, (result) => sent(result));
  tick();
}

function reply(status: number, parts: Parameters<typeof responseText>[2] = {}): void {
  bench.peer.send(responseText(bench.peer.request('INVITE'), status, parts));
  tick();
}

function acknowledge(): void {
  const { dialogId } = bench.app.responses.at(-1)!;
  bench.stack.agent.sender.acknowledge(bench.app, dialogId!, command('ACK'), (result) => sent(result));
  tick();
}

describe('a callee that answers with many tags', () => {
  test('makes a few dialogs and no more', () => {
    invite();
    for (let fork = 0; fork < 100; fork += 1) reply(180, { toTag: `fork-${fork}` });

    expect(bench.stack.dialogs.size).toBe(forksMax);
    expect(bench.stats.forksRefused).toBe(100 - forksMax);
  });

  test('can still answer', () => {
    invite();
    for (let fork = 0; fork < 100; fork += 1) reply(180, { toTag: `fork-${fork}` });
    reply(200, { toTag: 'at-last' });
    acknowledge();

    expect(bench.app.statuses.at(-1)).toBe(200);
    expect(bench.peer.request('ACK').headers.first('To')).toContain('at-last');
  });

  test('has all it answered hung up but one, and no more answers than we keep apart', () => {
    invite();
    for (let fork = 0; fork < 100; fork += 1) reply(200, { toTag: `fork-${fork}` });
    bench.clock.advance(60_000);

    expect(bench.stats.extraForksHungUp).toBe(forksMax - 1);
    expect(bench.stats.forksRefused).toBe(100 - forksMax);
  });
});

test.each([
  ['a line end', 'Ring\ning'],
  ['a line end of Unicode', 'Ring\u2028ing'],
  ['a NUL', 'Ring\0ing'],
])('%s in a reason phrase does not reach the application', (_what, reason) => {
  invite();
  const latin1 = Buffer.from(reason, 'utf8').toString('latin1');
  bench.peer.send(responseText(bench.peer.request('INVITE'), 486).replace('Whatever', latin1));
  tick();

  expect(bench.app.responses[0]?.response.reason).toBe('Ring ing');
});

test.each(['', '"unbalanced <sip:a@b>', '<sip:a b>', 'no uri'])(
  'a Contact in an answer that reads %j is none',
  (contact) => {
    invite();
    reply(302, { headers: [`Contact: ${contact}`] });

    expect(bench.app.responses[0]?.response.headers.has('Contact')).toBe(false);
  },
);

test('an answer without Contact is acknowledged and hung up: srf takes it for a failure', () => {
  invite();
  reply(200, { headers: ['Contact:'] });
  acknowledge();

  expect(bench.peer.seen).toEqual(['INVITE', 'ACK', 'BYE']);
  expect(bench.stack.dialogs.size).toBe(0);
});

test('an INVITE without Contact reaches the application with the address that it came from', () => {
  bench.peer.send(requestText('INVITE').replace(/Contact: .*\r\n/, ''));
  tick();

  expect(bench.app.requests[0]?.arrival.message.headers.first('Contact')).toBe(`<sip:${peerAddress}:5060>`);
});

test.each([
  ['%42YE', 501],
  ['bye', 501],
])('%s in a dialog is no BYE to anybody', (method, status) => {
  const other = createBench({ routed: ['INVITE'] });
  other.peer.send(requestText('INVITE'));
  other.clock.advance(20);
  sent(other.stack.agent.respond(other.app, other.app.requests[0]!.transactionId, answer(200)));
  other.clock.advance(20);
  const toTag = /;tag=([^;]+)/.exec(other.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  other.peer.send(requestText('ACK', { toTag }));
  other.peer.send(requestText(method, { toTag, cseq: 2 }));
  other.clock.advance(20);

  expect(other.peer.seen.at(-1)).toBe(status);
  expect(other.app.requests).toHaveLength(1);
});
