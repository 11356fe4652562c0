import type { Bench } from '../sip-server/test-peer';
import { answer, createBench, requestText, sent } from '../sip-server/test-peer';

/** `node scripts/fuzz-sip.mjs` asks for a million. */
const calls = Number(process.env.RINGBRIDGE_FUZZ_CALLS ?? 1_000);
const growthBytesMax = 5_000_000;
const heapSamples = 10;
/** Between two calls: a clock with few timers is a fast one. */
const pauseMs = 2_000;
/** What a transaction needs to be forgotten. */
const lingerMs = 64_000;

jest.setTimeout(7_200_000);

/** One incoming call from INVITE to BYE. */
function call({ clock, network, stack, app, peer }: Bench, number: number): void {
  const callId = `call-${number}`;
  const branch = (step: string): string => `z9hG4bK-${number}-${step}`;
  const answerLast = (body: string): void => {
    const { transactionId } = app.requests.at(-1)!;
    sent(stack.agent.respond(app, transactionId, answer(200, [], body)));
    clock.advance(20);
  };
  peer.send(requestText('INVITE', { callId, branch: branch('invite'), body: 'v=0\r\n' }));
  clock.advance(20);
  answerLast('v=0\r\n');
  const toTag = /;tag=([^;]+)/.exec(peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  peer.send(requestText('ACK', { callId, toTag, branch: branch('ack') }));
  clock.advance(200);
  peer.send(requestText('BYE', { callId, toTag, cseq: 2, branch: branch('bye') }));
  clock.advance(20);
  answerLast('');
  clock.advance(pauseMs);
  peer.forget();
  for (const list of [network.shipments, app.requests, app.acks, app.cdrs]) list.length = 0;
}

test(`${calls} calls leave nothing behind`, () => {
  const bench = createBench();
  const { clock, stack, stats } = bench;
  const heaps: number[] = [];
  for (let number = 1; number <= calls; number += 1) {
    call(bench, number);
    if (number % Math.ceil(calls / heapSamples) !== 0 && number !== calls) continue;
    clock.advance(lingerMs);
    heaps.push(heapBytes());
    const { dialogs, transactions } = stack;
    const left = [dialogs.size, transactions.serverCount, transactions.clientCount, clock.pendingTimers];
    expect(left).toEqual([0, 0, 0, 0]);
  }

  // Only `node --expose-gc` can tell.
  if (global.gc !== undefined) {
    const megabytes = heaps.map((bytes) => (bytes / 1_000_000).toFixed(1)).join(', ');
    process.stdout.write(`heap of ${calls} calls, after each ${heapSamples}th part: ${megabytes} MB\n`);
    expect(Math.max(...heaps) - heaps[0]!).toBeLessThan(growthBytesMax);
  }
  expect([stats.dialogsCreated, stats.dialogsEnded]).toEqual([calls, calls]);
  expect([stats.retransmissionsSent, stats.retransmissionsAbsorbed]).toEqual([0, 0]);
});

function heapBytes(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed;
}
