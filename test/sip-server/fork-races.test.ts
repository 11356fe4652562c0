import type { Bench } from './test-peer';
import { answer, command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

let bench: Bench;
let dialogId: string;

beforeEach(() => {
  bench = createBench();
  const template = command('INVITE', `sip:alice@${peerAddress}`);
  bench.stack.agent.sender.request(
    bench.app,
    template,
    undefined,
    (result) => (dialogId = sent(result).dialogId ?? ''),
  );
  tick();
});

function tick(): void {
  bench.clock.advance(20);
}

/** One of the phones behind the forking proxy. */
function reply(status: number, toTag: string): void {
  bench.peer.send(responseText(bench.peer.request('INVITE'), status, { toTag }));
  tick();
}

function acknowledge(): void {
  bench.stack.agent.sender.acknowledge(bench.app, dialogId, command('ACK'), (result) => sent(result));
  tick();
}

function hangUp(): void {
  bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('BYE'), (result) => sent(result));
  tick();
}

function request(method: string, fromTag: string): void {
  const { headers } = bench.peer.request('INVITE');
  const toTag = /;tag=([^;]+)/.exec(headers.first('From') ?? '')?.[1] ?? '';
  bench.peer.send(requestText(method, { fromTag, toTag, callId: headers.first('Call-ID')!, cseq: 7 }));
  tick();
}

/** To whom requests of ours went, by their tags. */
function tagsOf(method: string): string[] {
  const requests = bench.peer.received.filter((message) => message.kind === 'request' && message.method === method);
  return requests.map(({ headers }) => /;tag=(.*)$/.exec(headers.first('To') ?? '')?.[1] ?? '');
}

test('a second phone that answers is hung up, and the call with the first goes on', () => {
  reply(200, 'first');
  acknowledge();
  reply(200, 'second');

  expect(tagsOf('BYE')).toEqual(['second']);
  expect(bench.app.ended).toEqual([]);
  hangUp();
  expect(tagsOf('BYE')).toEqual(['second', 'first']);
});

test('the ACK of the application goes to the phone that it was told of', () => {
  reply(180, 'slow');
  reply(180, 'fast');
  reply(200, 'fast');
  reply(200, 'slow');
  acknowledge();
  bench.clock.advance(60_000);

  expect(tagsOf('ACK')).toEqual(['slow', 'fast']);
  expect([...new Set(tagsOf('BYE'))]).toEqual(['slow']);
  expect(bench.app.ended).toEqual([]);
});

test.each([
  ['BYE', 200],
  ['UPDATE', 481],
  ['INFO', 481],
])('a %s of a phone that only rang does not reach the application, which talks to another', (method, status) => {
  reply(180, 'other');
  reply(200, 'first');
  acknowledge();
  request(method, 'other');

  expect(bench.peer.seen.at(-1)).toBe(status);
  expect(bench.app.requests).toEqual([]);
  hangUp();
  expect(tagsOf('BYE')).toEqual(['first']);
});

test('an answer that a BYE has overtaken is acknowledged, and is a failure for the application', () => {
  reply(180, 'hasty');
  request('BYE', 'hasty');
  bench.stack.agent.respond(bench.app, bench.app.requests[0]!.transactionId, answer(200));
  reply(200, 'hasty');

  expect(tagsOf('ACK')).toEqual(['hasty']);
  expect(bench.app.statuses).toEqual([180, 487]);
  bench.clock.advance(120_000);
  expect([bench.stack.dialogs.size, bench.clock.pendingTimers]).toEqual([0, 0]);
});

test('an INVITE of a phone that has not answered ours crosses it: 491', () => {
  reply(180, 'eager');
  request('INVITE', 'eager');

  expect(bench.peer.seen.at(-1)).toBe(491);
  expect(bench.app.requests).toEqual([]);
});

test('routes that cannot be read are none', () => {
  const text = responseText(bench.peer.request('INVITE'), 200, {
    headers: [`Record-Route: , <sip:${peerAddress};lr>, <sip:nowhere, ,`],
  });
  bench.peer.send(text);
  tick();
  acknowledge();

  expect(bench.peer.request('ACK').headers.all('Route')).toEqual([`<sip:${peerAddress};lr>`]);
});
