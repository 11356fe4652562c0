import { answer, createBench, requestText, stackAddress } from './test-peer';
import type { Bench } from './test-peer';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function receive(text: string): void {
  bench.peer.send(text);
  bench.clock.advance(20);
}

function registration(index: number): string {
  const parts = { branch: `z9hG4bK-${index}`, callId: `call-${index}` };
  return requestText('REGISTER', parts).replace(`sip:bob@${stackAddress}>`, `sip:${index}@${stackAddress}>`);
}

/** What the application answers the last request with. */
function respond(status: number): void {
  const { transactionId } = bench.app.requests.at(-1)!;
  bench.stack.agent.respond(bench.app, transactionId, answer(status));
  bench.clock.advance(20);
}

test.each([
  [
    'its User-Agent',
    (text: string) => text.replace('Content-Length', 'User-Agent: friendly-scanner\r\nContent-Length'),
  ],
  ['its User-Agent in other letters', (text: string) => text.replace('Content-Length', 'user-agent: SIPCLI/v1.8\r\nl')],
  ['its name in From', (text: string) => text.replace('From: <', 'From: "sipvicious" <')],
])('a scanner that is known by %s gets no answer, reaches nobody and is banned after five', (_what, sign) => {
  for (let index = 0; index < 8; index += 1) receive(sign(registration(index)));

  expect([bench.peer.seen, bench.app.requests]).toEqual([[], []]);
  expect([bench.stats.scannersDropped, bench.stats.sourcesBanned, bench.stats.bannedDropped]).toEqual([5, 1, 3]);
  receive(requestText('OPTIONS'));
  expect(bench.app.requests).toEqual([]);
});

test('a caller who is called Tiwari is no scanner', () => {
  receive(requestText('INVITE').replace('From: <', 'From: "Tiwari, sipvicious customer" <'));

  expect(bench.app.requests).toHaveLength(1);
});

test('a scanner without a name is known by the users it does not find', () => {
  for (let index = 0; index < 120; index += 1) {
    receive(registration(index));
    if (bench.app.requests.length > index) respond(index % 2 === 0 ? 404 : 401);
  }

  expect(bench.app.requests).toHaveLength(100);
  expect([bench.stats.enumerationsNoticed, bench.stats.sourcesBanned, bench.stats.bannedDropped]).toEqual([5, 1, 20]);
});

test('numbers that are not in service get nobody banned', () => {
  for (let index = 0; index < 200; index += 1) {
    const call = { branch: `z9hG4bK-${index}`, callId: `call-${index}`, uri: `sip:${index}@${stackAddress}` };
    receive(requestText('INVITE', call).replace(`sip:bob@${stackAddress}>`, `sip:${index}@${stackAddress}>`));
    respond(404);
  }

  expect(bench.app.requests).toHaveLength(200);
});

test('a refusal costs no transaction and is not repeated on its own', () => {
  receive(requestText('INVITE', { uri: 'tel:1' }));

  bench.clock.advance(60_000);

  expect(bench.peer.seen).toEqual([416]);
  expect([bench.stack.transactions.serverCount, bench.stats.refusedScheme]).toEqual([0, 1]);
});

test('more requests than a source may send get 503 with Retry-After', () => {
  for (let index = 0; index < 2_001; index += 1) {
    bench.peer.send(requestText('OPTIONS', { branch: `z9hG4bK-${index}`, callId: `call-${index}` }));
  }
  bench.clock.advance(20);

  expect([bench.peer.seen, bench.stats.refusedTooFast]).toEqual([[503], 1]);
  expect(bench.peer.last('response').headers.has('Retry-After')).toBe(true);
  expect(bench.app.requests).toHaveLength(2_000);
});

test('a source above its rate keeps its call: a repeated INVITE is no further one', () => {
  receive(requestText('INVITE'));
  for (let index = 0; index < 3_000; index += 1) {
    bench.peer.send(requestText('OPTIONS', { branch: `z9hG4bK-${index}`, callId: `call-${index + 2}` }));
  }
  receive(requestText('INVITE'));

  const answers = bench.peer.received.filter(({ headers }) => headers.first('CSeq') === '1 INVITE');
  expect(answers.map((answer) => answer.kind === 'response' && answer.status)).toEqual([100, 100]);
  expect(bench.stats.refusedTooFast).toBeGreaterThan(900);
});
