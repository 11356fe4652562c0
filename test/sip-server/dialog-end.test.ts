import { deferredRequestsMax } from '../../src/sip-server/dialog';
import type { Bench } from './test-peer';
import { answer, command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

const sdp = 'v=0\r\n';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function tick(): void {
  bench.clock.advance(20);
}

function send(method: string, parts: Parameters<typeof requestText>[1] = {}): void {
  bench.peer.send(requestText(method, { branch: `z9hG4bK-${method}-${parts.cseq ?? 1}`, ...parts }));
  tick();
}

function respond(status: number, body = ''): void {
  const { transactionId } = bench.app.requests.at(-1)!;
  sent(bench.stack.agent.respond(bench.app, transactionId, answer(status, [], body)));
  tick();
}

function order(method: string, dialogId: string): void {
  bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command(method), () => undefined);
  tick();
}

/** An incoming call that was answered and, unless told otherwise, acknowledged. */
function call({ acknowledged = true } = {}): { toTag: string; dialogId: string } {
  send('INVITE', { body: sdp });
  respond(200, sdp);
  const toTag = /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  if (acknowledged) send('ACK', { toTag });
  return { toTag, dialogId: 'call-1;from-tag=peer-tag' };
}

describe('a re-INVITE that is still unanswered when the dialog ends', () => {
  test('by a BYE of ours gets 487, and no answer revives the dialog', () => {
    const { toTag, dialogId } = call();
    send('INVITE', { toTag, cseq: 2, body: sdp });
    const { transactionId } = bench.app.requests.at(-1)!;
    order('BYE', dialogId);
    bench.peer.send(responseText(bench.peer.request('BYE'), 200));
    tick();

    const late = bench.stack.agent.respond(bench.app, transactionId, answer(200, [], sdp));
    bench.clock.advance(120_000);

    expect(late).toHaveProperty('refused');
    expect(bench.peer.seen.slice(0, 6)).toEqual([100, 200, 100, 'BYE', 487, 487]);
    expect(bench.peer.seen.filter((what) => what === 'BYE')).toHaveLength(1);
    expect(bench.app.ended).toEqual([]);
    expect(bench.stats.dialogsEnded).toBe(1);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('by our session timer gets 487', () => {
    bench = createBench({ sessions: { minSeconds: 90 } });
    send('INVITE', { body: sdp, headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] });
    respond(200, sdp);
    const toTag = /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
    send('ACK', { toTag });
    bench.clock.advance(30_000);
    send('INVITE', { toTag, cseq: 2, body: sdp });
    bench.clock.advance(35_000);

    expect(bench.peer.seen).toContain('BYE');
    expect(bench.peer.seen).toContain(487);
  });
});

test('an INVITE of ours that was cancelled too early to say so is hung up when it is answered after all', () => {
  const { sender } = bench.stack.agent;
  let transactionId = '';
  sender.request(bench.app, command('INVITE', `sip:alice@${peerAddress}`), undefined, (result) => {
    ({ transactionId } = sent(result));
  });
  tick();
  sender.cancel(bench.app, transactionId, command('CANCEL'), (result) => sent(result));
  bench.peer.send(responseText(bench.peer.request('INVITE'), 200, { body: sdp }));
  tick();
  sender.acknowledge(bench.app, bench.app.responses[0]!.dialogId!, command('ACK'), (result) => sent(result));
  tick();

  expect(bench.peer.seen).toEqual(['INVITE', 'ACK', 'BYE']);
  expect(bench.app.ended).toHaveLength(1);
});

test('an application that goes away with a full queue leaves no dialog behind', () => {
  const { dialogId } = call({ acknowledged: false });
  for (let waiting = 0; waiting < deferredRequestsMax; waiting += 1) order('BYE', dialogId);
  bench.stack.agent.dropApplication(bench.app);
  tick();

  expect(bench.stack.dialogs.size).toBe(0);
});

test('a subscription outlives an INVITE in its dialog that nobody acknowledges (RFC 5057)', () => {
  send('SUBSCRIBE', { headers: ['Event: presence', 'Expires: 600'] });
  respond(200);
  const toTag = /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
  send('INVITE', { toTag, cseq: 2, body: sdp });
  respond(200, sdp);
  bench.clock.advance(60_000);
  order('NOTIFY', 'call-1;from-tag=peer-tag');

  expect(bench.stack.dialogs.size).toBe(1);
  expect(bench.peer.seen).toContain('NOTIFY');
  expect(bench.peer.seen).not.toContain('BYE');
});
