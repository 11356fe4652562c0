import type { SipRequest } from '../../src/sip-server/sip-message';
import type { Bench } from './test-peer';
import { answer, command, createBench, requestText, responseText, sent } from './test-peer';

const sdp = 'v=0\r\n';
const peerTag = 'peer-tag';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

function tick(): void {
  bench.clock.advance(20);
}

/** Sends a request of the peer's and lets it arrive. */
function send(method: string, parts: Parameters<typeof requestText>[1]): void {
  bench.peer.send(requestText(method, { branch: `z9hG4bK-${method}-${parts?.cseq ?? 1}`, ...parts }));
  tick();
}

/** The application's answer to the last request it got. */
function respond(status: number, headers: [string, string][] = [], body = ''): ReturnType<typeof sent> {
  const { transactionId } = bench.app.requests.at(-1)!;
  const result = sent(bench.stack.agent.respond(bench.app, transactionId, answer(status, headers, body)));
  tick();
  return result;
}

/** The application sends a request in the dialog. */
function order(method: string, dialogId: string, body = ''): unknown[] {
  const outcomes: unknown[] = [];
  const template: SipRequest = { ...command(method), body: Buffer.from(body) };
  bench.stack.agent.sender.requestInDialog(bench.app, dialogId, template, (result) => outcomes.push(result));
  tick();
  return outcomes;
}

/** The peer answers the last request of that method. */
function reply(method: string, status: number, parts: Parameters<typeof responseText>[2] = {}): void {
  const requests = bench.peer.received.filter((message) => message.kind === 'request' && message.method === method);
  bench.peer.send(responseText(requests.at(-1) as SipRequest, status, { toTag: peerTag, ...parts }));
  tick();
}

function ourTag(): string {
  return /;tag=([^;]+)/.exec(bench.peer.last('response').headers.first('To') ?? '')?.[1] ?? '';
}

/** A call of the peer's that was answered; without a body of the INVITE the offer is in the 200. */
function answeredCall(body = sdp): { toTag: string; dialogId: string } {
  send('INVITE', { body });
  const { dialogId } = respond(200, [], sdp);
  return { toTag: ourTag(), dialogId: dialogId! };
}

function establishedCall(): { toTag: string; dialogId: string } {
  const call = answeredCall();
  send('ACK', { toTag: call.toTag });
  return call;
}

describe('a PRACK', () => {
  const reliable: [string, string][] = [['Require', '100rel']];

  function ringReliably(body = ''): { toTag: string; rack: string } {
    send('INVITE', { headers: ['Supported: 100rel'], body: sdp });
    respond(183, reliable, body);
    return { toTag: ourTag(), rack: `RAck: ${bench.peer.last('response').headers.first('RSeq')} 1 INVITE` };
  }

  test('that comes after the 200 was sent is delivered and answered, once', () => {
    const { toTag, rack } = ringReliably();
    respond(200);
    send('PRACK', { toTag, cseq: 2, headers: [rack] });
    respond(200);
    send('PRACK', { toTag, cseq: 3, headers: [rack] });

    expect(bench.peer.seen).toEqual([100, 183, 200, 200, 481]);
  });

  test('is waited for when the response it acknowledges held a description (RFC 3262 section 3)', () => {
    const { toTag, rack } = ringReliably(sdp);
    const { dialogId, bytes } = respond(200);
    bench.clock.advance(400);
    expect(bench.peer.seen).toEqual([100, 183]);

    send('PRACK', { toTag, cseq: 2, headers: [rack] });

    expect(dialogId).toBe('call-1;from-tag=peer-tag');
    expect(bytes.toString()).toContain('SIP/2.0 200');
    expect(bench.peer.seen).toEqual([100, 183, 200]);
    expect(bench.app.requests.at(-1)?.arrival.message.method).toBe('PRACK');
  });

  test('that never comes ends a call that the application took for answered', () => {
    ringReliably(sdp);
    const { dialogId } = respond(200);
    bench.clock.advance(32_000);

    expect(bench.peer.seen.filter((what) => what !== 183)).toEqual([100, 504]);
    expect(bench.app.ended.map((end) => end.dialogId)).toEqual([dialogId]);
    expect(bench.app.ended[0]?.bye.bytes.toString()).toMatch(/^BYE [\s\S]*Reason: SIP;cause=504/);
    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('whose INVITE is cancelled meanwhile: 487, and the application learns that the call is over', () => {
    ringReliably(sdp);
    respond(200);
    send('CANCEL', { branch: 'z9hG4bK-INVITE-1' });

    expect(bench.peer.seen).toEqual([100, 183, 200, 487]);
    expect(bench.app.ended).toHaveLength(1);
  });

  test('is answered by us when the peer demanded it and the application did not know', () => {
    send('INVITE', { headers: ['Require: 100rel'], body: sdp });
    respond(180);
    const { headers } = bench.peer.last('response');
    send('PRACK', { toTag: ourTag(), cseq: 2, headers: [`RAck: ${headers.first('RSeq')} 1 INVITE`] });
    bench.clock.advance(1_000);

    expect(headers.first('Require')).toBe('100rel');
    expect(bench.peer.seen).toEqual([100, 180, 200]);
    expect(bench.app.requests).toHaveLength(1);
  });
});

describe('a re-INVITE of the peer', () => {
  test('that overtakes the ACK is processed, and both ACKs count', () => {
    const { toTag } = answeredCall();
    send('INVITE', { toTag, cseq: 2, body: sdp });
    respond(200, [], sdp);
    send('ACK', { toTag, cseq: 2 });
    send('ACK', { toTag, cseq: 1 });
    bench.clock.advance(60_000);

    expect(bench.app.acks).toHaveLength(2);
    expect(bench.peer.seen).not.toContain('BYE');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('before the ACK that holds the answer to our offer gets 491', () => {
    const { toTag } = answeredCall('');
    send('INVITE', { toTag, cseq: 2, body: sdp });
    expect(bench.peer.seen.at(-1)).toBe(491);

    send('ACK', { toTag, cseq: 1, body: sdp });
    send('INVITE', { branch: 'z9hG4bK-again', toTag, cseq: 3, body: sdp });

    expect(bench.peer.seen.at(-1)).toBe(100);
  });

  test('that is refused does not move the dialog', () => {
    const { toTag, dialogId } = establishedCall();
    send('INVITE', { toTag, cseq: 2, headers: ['Contact: <sip:alice@127.0.0.9:5090>'] });
    respond(488);
    order('BYE', dialogId);

    expect(bench.peer.request('BYE').uri).toBe('sip:alice@127.0.0.2:5060');
  });

  test('with an offer while ours in an UPDATE is unanswered gets 491, one without goes on', () => {
    const { toTag, dialogId } = establishedCall();
    order('UPDATE', dialogId, sdp);
    send('INVITE', { toTag, cseq: 2, body: sdp });
    expect(bench.peer.seen.at(-1)).toBe(491);

    reply('UPDATE', 200, { body: sdp });
    send('INVITE', { branch: 'z9hG4bK-again', toTag, cseq: 3, body: sdp });

    expect(bench.peer.seen.at(-1)).toBe(100);
  });
});

describe('an UPDATE of the peer', () => {
  test('before the last one was answered gets 500 with Retry-After', () => {
    const { toTag } = establishedCall();
    send('UPDATE', { toTag, cseq: 2 });
    send('UPDATE', { toTag, cseq: 3 });

    const refusal = bench.peer.last('response');
    expect(refusal.status).toBe(500);
    expect(Number(refusal.headers.first('Retry-After'))).toBeLessThanOrEqual(10);
    respond(200);
    send('UPDATE', { toTag, cseq: 4 });
    expect(bench.app.requests.filter(({ arrival }) => arrival.message.method === 'UPDATE')).toHaveLength(2);
  });

  test('with an offer while we wait for the answer to ours gets 491', () => {
    const { toTag, dialogId } = establishedCall();
    order('INVITE', dialogId, sdp);
    send('UPDATE', { toTag, cseq: 2, body: sdp });

    expect(bench.peer.seen.at(-1)).toBe(491);
    expect(bench.stats.refusedGlare).toBe(1);
  });

  test('without an offer goes on in the same moment', () => {
    const { toTag, dialogId } = establishedCall();
    order('INVITE', dialogId, sdp);
    send('UPDATE', { toTag, cseq: 2 });
    respond(200);

    expect(bench.peer.seen.at(-1)).toBe(200);
  });

  test('with an offer before that of its INVITE was answered gets 500, and goes on once it was, reliably', () => {
    send('INVITE', { headers: ['Supported: 100rel'], body: sdp });
    respond(183, [['Require', '100rel']]);
    const toTag = ourTag();
    const first = bench.peer.last('response').headers.first('RSeq');
    send('UPDATE', { toTag, cseq: 2, body: sdp });
    expect(bench.peer.seen.at(-1)).toBe(500);

    send('PRACK', { toTag, cseq: 3, headers: [`RAck: ${first} 1 INVITE`] });
    respond(200);
    const { transactionId } = bench.app.requests[0]!;
    bench.stack.agent.respond(bench.app, transactionId, answer(183, [['Require', '100rel']], sdp));
    tick();
    send('UPDATE', { toTag, cseq: 4, body: sdp });
    respond(200, [], sdp);

    expect(bench.peer.seen.at(-1)).toBe(200);
  });

  test('moves the dialog when it is accepted', () => {
    const { toTag, dialogId } = establishedCall();
    send('UPDATE', { toTag, cseq: 2, headers: ['Contact: <sip:alice@127.0.0.2:5060;moved>'] });
    respond(200);
    order('BYE', dialogId);

    expect(bench.peer.request('BYE').uri).toBe('sip:alice@127.0.0.2:5060;moved');
  });
});

describe('the application', () => {
  test('sends no offer while another is unanswered: its UPDATE waits for the re-INVITE, and the other way round', () => {
    const { toTag, dialogId } = establishedCall();
    send('INVITE', { toTag, cseq: 2, body: sdp });
    expect(order('UPDATE', dialogId, sdp)).toEqual([]);
    const { transactionId } = bench.app.requests.at(-1)!;
    bench.stack.agent.respond(bench.app, transactionId, answer(200, [], sdp));
    send('ACK', { toTag, cseq: 2 });
    expect(bench.peer.seen.at(-1)).toBe('UPDATE');

    expect(order('INVITE', dialogId, sdp)).toEqual([]);
    reply('UPDATE', 200, { body: sdp });

    expect(bench.peer.seen.at(-1)).toBe('INVITE');
  });

  test('hangs up while its re-INVITE is pending: a 200 that crosses the BYE gets its ACK', () => {
    const { dialogId } = establishedCall();
    order('INVITE', dialogId, sdp);
    order('BYE', dialogId);
    reply('BYE', 200);
    reply('INVITE', 200, { body: sdp });

    expect(bench.peer.seen.slice(-3)).toEqual(['INVITE', 'BYE', 'ACK']);
    expect(bench.app.statuses).toEqual([200, 200]);
    bench.clock.advance(200_000);
    expect([bench.stack.dialogs.size, bench.clock.pendingTimers]).toEqual([0, 0]);
  });

  test.each([
    ['INVITE', 481],
    ['INVITE', 408],
    ['UPDATE', 481],
    ['UPDATE', 408],
  ])('whose %s gets %i has lost the call: it is hung up and told', (method, status) => {
    const { dialogId } = establishedCall();
    order(method, dialogId, sdp);
    reply(method, status);

    expect(bench.peer.request('BYE').headers.first('Reason')).toContain('peer has lost the session');
    expect(bench.app.ended.map((end) => end.dialogId)).toEqual([dialogId]);
  });

  test.each([486, 488, 491, 500])('whose re-INVITE gets %i keeps the call', (status) => {
    const { dialogId } = establishedCall();
    order('INVITE', dialogId, sdp);
    reply('INVITE', status);

    expect(bench.peer.seen).not.toContain('BYE');
    expect(order('INVITE', dialogId, sdp)).toHaveLength(1);
  });
});
