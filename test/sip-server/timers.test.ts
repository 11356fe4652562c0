import type { SipRequest } from '../../src/sip-server/sip-message';
import type { TransportName } from '../../src/sip-server/transport';
import type { Bench } from './test-peer';
import { answer, command, createBench, peerAddress, requestText, responseText, sent } from './test-peer';

/*
 * RFC 3261 table 4 and RFC 6026 section 8, each value measured from outside: when something goes out, or when nothing is
 * left. Steps of the virtual clock, and so the accuracy, are 10 ms; so is the way from one side to the other.
 */
const t1Ms = 500;
const t2Ms = 4_000;
const t4Ms = 5_000;
const stepMs = 10;

let bench: Bench;

/** How long until it is so; -1 when it never is. */
function msUntil(isSo: () => boolean): number {
  const startMs = bench.clock.now();
  while (!isSo()) {
    if (bench.clock.now() - startMs > 400_000) return -1;
    bench.clock.advance(stepMs);
  }
  return bench.clock.now() - startMs;
}

const clientsLeft = (): number => bench.stack.transactions.clientCount;
const serversLeft = (): number => bench.stack.transactions.serverCount;

function sendRequest(method: string, transport: TransportName): SipRequest {
  const uri = `sip:alice@${peerAddress}:5060${transport === 'udp' ? '' : `;transport=${transport}`}`;
  bench.stack.agent.sender.request(bench.app, command(method, uri), undefined, (result) => sent(result));
  bench.clock.advance(stepMs);
  return bench.peer.request(method);
}

function receiveRequest(method: string, transport: TransportName): string {
  bench.peer.send(requestText(method, { transport }));
  bench.clock.advance(stepMs);
  return bench.app.requests[0]!.transactionId;
}

function peerAnswers(request: SipRequest, status: number): void {
  bench.peer.send(responseText(request, status));
  bench.clock.advance(stepMs);
}

function applicationAnswers(transactionId: string, status: number): void {
  sent(bench.stack.agent.respond(bench.app, transactionId, answer(status)));
}

describe.each<TransportName>(['udp', 'tcp'])('over %s', (transport) => {
  const unreliable = transport === 'udp';

  beforeEach(() => {
    bench = createBench({ transport });
  });

  test('timer A: an INVITE is repeated after T1, doubling without end, over UDP only', () => {
    sendRequest('INVITE', transport);
    bench.clock.advance(60_000);

    const doubling = [1, 2, 4, 8, 16, 32].map((factor) => factor * t1Ms);
    expect(bench.peer.intervalsMs('INVITE')).toEqual(unreliable ? doubling : []);
  });

  test('timer B: an INVITE without any response fails after 64 T1', () => {
    sendRequest('INVITE', transport);

    expect(msUntil(() => bench.app.statuses.includes(408))).toBe(64 * t1Ms - stepMs);
  });

  test('timer C: an INVITE that rings is cancelled after more than three minutes', () => {
    const request = sendRequest('INVITE', transport);
    peerAnswers(request, 180);

    const ms = msUntil(() => bench.peer.seen.includes('CANCEL'));
    expect(ms).toBeGreaterThan(180_000);
    expect(ms).toBeLessThanOrEqual(185_000 + stepMs);
  });

  test('timer D: a failed INVITE of ours waits for repetitions for 32 s, over TCP not at all', () => {
    peerAnswers(sendRequest('INVITE', transport), 486);

    expect(msUntil(() => clientsLeft() === 0)).toBe(unreliable ? 32_000 : 0);
  });

  test('timer E: another request is repeated after T1, doubling up to T2, over UDP only', () => {
    sendRequest('OPTIONS', transport);
    bench.clock.advance(60_000);

    const capped = [t1Ms, 2 * t1Ms, 4 * t1Ms, ...new Array<number>(7).fill(t2Ms)];
    expect(bench.peer.intervalsMs('OPTIONS')).toEqual(unreliable ? capped : []);
  });

  test('timer E: after a provisional response it is repeated every T2', () => {
    peerAnswers(sendRequest('OPTIONS', transport), 100);
    bench.clock.advance(13_000);

    expect(bench.peer.seen).toHaveLength(unreliable ? 1 + 3 : 1);
    expect(bench.peer.intervalsMs('OPTIONS').slice(1)).toEqual(unreliable ? [t2Ms, t2Ms] : []);
  });

  test('timer F: another request without final response fails after 64 T1', () => {
    peerAnswers(sendRequest('OPTIONS', transport), 100);

    expect(msUntil(() => bench.app.statuses.includes(408))).toBe(64 * t1Ms - 2 * stepMs);
  });

  test('timer G: a refusal of an INVITE is repeated after T1, doubling up to T2', () => {
    applicationAnswers(receiveRequest('INVITE', transport), 486);
    bench.clock.advance(60_000);

    const capped = [t1Ms, 2 * t1Ms, 4 * t1Ms, ...new Array<number>(7).fill(t2Ms)];
    expect(bench.peer.intervalsMs(486)).toEqual(unreliable ? capped : []);
  });

  test('timer H: a refusal without ACK is given up after 64 T1', () => {
    applicationAnswers(receiveRequest('INVITE', transport), 486);

    expect(msUntil(() => serversLeft() === 0)).toBe(64 * t1Ms);
  });

  test('timer I: after the ACK of a refusal its repetitions are absorbed for T4, over TCP not at all', () => {
    applicationAnswers(receiveRequest('INVITE', transport), 486);
    bench.clock.advance(stepMs);
    bench.peer.send(requestText('ACK', { branch: 'z9hG4bK-INVITE-1', transport }));
    bench.clock.advance(stepMs);

    expect(msUntil(() => serversLeft() === 0)).toBe(unreliable ? t4Ms : 0);
  });

  test('timer J: the answer to another request is kept for 64 T1, over TCP not at all', () => {
    applicationAnswers(receiveRequest('OPTIONS', transport), 200);

    expect(msUntil(() => serversLeft() === 0)).toBe(unreliable ? 64 * t1Ms : stepMs);
  });

  test('timer K: the final response to another request may be repeated for T4, over TCP not at all', () => {
    peerAnswers(sendRequest('OPTIONS', transport), 200);

    expect(msUntil(() => clientsLeft() === 0)).toBe(unreliable ? t4Ms : 0);
  });

  test('timer L (RFC 6026): an accepted INVITE absorbs repetitions for 64 T1', () => {
    applicationAnswers(receiveRequest('INVITE', transport), 200);
    bench.clock.advance(stepMs);
    const toTag = /;tag=(.+)$/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
    bench.peer.send(requestText('ACK', { branch: 'z9hG4bK-ack', toTag, transport }));
    bench.peer.send(requestText('INVITE', { transport }));

    expect(msUntil(() => serversLeft() === 0)).toBe(64 * t1Ms - stepMs);
    expect(bench.app.requests).toHaveLength(1);
  });

  test('timer M (RFC 6026): an INVITE of ours takes further 2xx for 64 T1', () => {
    peerAnswers(sendRequest('INVITE', transport), 200);
    const { dialogId } = bench.app.responses[0]!;
    bench.stack.agent.sender.acknowledge(bench.app, dialogId!, command('ACK'), (result) => sent(result));

    expect(msUntil(() => clientsLeft() === 0)).toBe(64 * t1Ms);
  });

  test('the 2xx of an INVITE is repeated after T1, doubling up to T2, whatever it goes over', () => {
    applicationAnswers(receiveRequest('INVITE', transport), 200);
    bench.clock.advance(20_000);

    expect(bench.peer.intervalsMs(200)).toEqual([t1Ms, 2 * t1Ms, 4 * t1Ms, t2Ms, t2Ms, t2Ms, t2Ms]);
  });
});
