import { VirtualClock } from '../../src/runtime/virtual-clock';
import { LegGone, type OfferReply } from '../../src/signalling/caller-leg';
import { reinviteAttemptsMax } from '../../src/signalling/established-dialog';
import { placeCall, type OutboundCall } from '../../src/signalling/outbound-call';
import type { SentMessage } from '../support/fake-drachtio-server';
import { FakeCallee } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { until } from '../support/until';

describe('an outbound call', () => {
  let test_: LinkUnderTest;
  let clock: VirtualClock;
  let callee: FakeCallee;
  let told: string[];

  beforeEach(async () => {
    clock = new VirtualClock();
    test_ = await LinkUnderTest.start({ clock });
    callee = new FakeCallee(test_.server);
    told = [];
  });
  afterEach(async () => {
    await test_.close();
    expect(clock.pendingTimers).toBe(0);
  });

  function call(onOffer: () => Promise<OfferReply> = () => Promise.resolve({ sdp: 'v=0 reply' })): OutboundCall {
    const options = { uri: 'sip:bob@127.0.0.9:5070', sdp: 'v=0 offer', timeoutMs: 30_000 };
    return placeCall(test_.link, options, {
      onProvisional: (status, sdp) => told.push(`${status} ${sdp ?? '-'}`),
      onAnswered: (sdp) => told.push(`answered ${sdp}`),
      onFailed: (failure) => told.push(`failed ${failure.kind}${failure.kind === 'rejected' ? failure.status : ''}`),
      onHangUp: (how) => told.push(`hung up: ${how.kind}`),
      onOffer,
      onAnswer: (answer) => told.push(`answer ${answer}`),
      onDigit: (digit) => told.push(`digit ${digit}`),
    });
  }

  /** Confirms the INVITE and sends `then` in the same chunk. */
  function onInvite(then: () => string[]): void {
    test_.server.reply = (message) =>
      message.startLine.startsWith('INVITE sip:bob') ? [callee.inviteSentFrame(message), ...then()] : undefined;
  }

  /** What the callee answers to requests inside the dialog. */
  function inDialog(statusFor: (method: string, count: number) => [number, string] | undefined): void {
    const counts = new Map<string, number>();
    test_.server.reply = (message) => {
      const method = message.startLine.split(' ')[0] ?? '';
      const count = (counts.get(method) ?? 0) + 1;
      counts.set(method, count);
      const answer = statusFor(method, count);
      if (answer === undefined) return undefined;
      const txnId = test_.server.id('txn');
      const text = withSipCallId(message, callee.callId);
      const response = callee.responseFrame(answer[0], answer[1], {
        txnId,
        cseq: `2 ${method}`,
        body: method === 'INVITE' && answer[0] === 200 ? 'v=0 new-answer' : '',
      });
      return [test_.server.sentRequest(message, { txnId, text }), response];
    };
  }

  async function talking(): Promise<OutboundCall> {
    onInvite(() => [callee.responseFrame(200, 'OK', { body: 'v=0 answer' })]);
    const outbound = call();
    await until(() => told.includes('answered v=0 answer'), 'the answer');
    return outbound;
  }

  test('tells ringing, early media and the answer, and sends the ACK', async () => {
    onInvite(() => [
      callee.responseFrame(180, 'Ringing'),
      callee.responseFrame(183, 'Session Progress', { body: 'v=0 early' }),
      callee.responseFrame(200, 'OK', { body: 'v=0 answer' }),
    ]);
    const outbound = call();
    await until(() => told.length >= 3, 'the answer');
    expect(told).toEqual(['180 -', '183 v=0 early', 'answered v=0 answer']);
    expect(outbound.sipCallId).toBe(callee.callId);
    expect(test_.server.last('INVITE').body).toBe('v=0 offer');
    await test_.server.untilSent('ACK');
  });

  test('a BYE in the same chunk as the 200 is heard', async () => {
    onInvite(() => [callee.responseFrame(200, 'OK', { body: 'v=0 answer' }), callee.inDialogFrame('BYE')]);
    call();
    await until(() => told.length >= 2, 'the BYE');
    expect(told).toEqual(['answered v=0 answer', 'hung up: bye']);
  });

  test('a refusal is told with its status', async () => {
    onInvite(() => [callee.responseFrame(486, 'Busy Here')]);
    call();
    await until(() => told.length > 0, 'the refusal');
    expect(told).toEqual(['failed rejected486']);
  });

  test('a 200 without SDP is hung up', async () => {
    onInvite(() => [callee.responseFrame(200, 'OK')]);
    call();
    await test_.server.untilSent('BYE');
    expect(told).toEqual(['failed no-sdp']);
  });

  test('an address that the server refuses is told as not sent', async () => {
    test_.server.reply = (message) => [test_.server.refusal(message, 'invalid request-uri')];
    call();
    await until(() => told.length > 0, 'the failure');
    expect(told).toEqual(['failed not-sent']);
  });

  test('without a connection the failure comes after placeCall has returned', async () => {
    await test_.link.close();
    call();
    expect(told).toEqual([]);
    await until(() => told.length > 0, 'the failure');
    expect(told).toEqual(['failed server-gone']);
  });

  test('nobody answers in time: the INVITE is cancelled, and a late 200 gets a BYE', async () => {
    onInvite(() => [callee.responseFrame(180, 'Ringing')]);
    call();
    await until(() => told.length > 0, 'the ringing');
    clock.advance(30_000);
    await test_.server.untilSent('CANCEL');
    expect(told).toEqual(['180 -', 'failed timeout']);
    test_.server.send(callee.responseFrame(200, 'OK', { body: 'v=0 late' }));
    await test_.server.untilSent('BYE');
    expect(told).toHaveLength(2);
  });

  test('hanging up while it rings cancels, and nothing more is told', async () => {
    onInvite(() => [callee.responseFrame(180, 'Ringing')]);
    const outbound = call();
    await until(() => told.length > 0, 'the ringing');
    outbound.hangUp();
    outbound.hangUp();
    const cancel = await test_.server.untilSent('CANCEL');
    expect(cancel.txnId).toBe(callee.txnId);
    test_.server.send(callee.responseFrame(487, 'Request Terminated'));
    await test_.settle();
    expect(told).toEqual(['180 -']);
    expect(test_.server.requests.filter((method) => method === 'CANCEL')).toHaveLength(1);
  });

  test('hanging up before the server has confirmed the INVITE cancels as soon as it has', async () => {
    onInvite(() => []);
    call().hangUp();
    await test_.server.untilSent('CANCEL');
    expect(told).toEqual([]);
  });

  test('a lost server ends the call', async () => {
    await talking();
    test_.server.dropConnections();
    await until(() => told.length >= 2, 'the loss');
    expect(told.at(-1)).toBe('hung up: server-gone');
  });

  test('a refused re-INVITE does not block the next one', async () => {
    const outbound = await talking();
    inDialog((method, count) => (method === 'INVITE' ? (count === 1 ? [488, 'No'] : [200, 'OK']) : undefined));
    await expect(outbound.reinvite('v=0 first')).resolves.toEqual({ kind: 'refused', status: 488, reason: 'No' });
    await expect(outbound.reinvite('v=0 second')).resolves.toEqual({ kind: 'accepted', sdp: 'v=0 new-answer' });
    expect(test_.server.last('INVITE').body).toBe('v=0 second');
  });

  test('re-INVITEs go out one at a time, in order', async () => {
    const outbound = await talking();
    inDialog((method) => (method === 'INVITE' ? [200, 'OK'] : undefined));
    await Promise.all(['v=0 1', 'v=0 2', 'v=0 3'].map((sdp) => outbound.reinvite(sdp)));
    await test_.settle();
    const sent = test_.server.messages.filter(({ startLine }) => /^(INVITE|ACK) /.test(startLine)).slice(2);
    expect(sent.map(({ startLine, body }) => `${startLine.split(' ')[0]} ${body}`)).toEqual([
      'INVITE v=0 1',
      'ACK ',
      'INVITE v=0 2',
      'ACK ',
      'INVITE v=0 3',
      'ACK ',
    ]);
  });

  test('after 491 it waits 2.1 to 4 s and tries again', async () => {
    const outbound = await talking();
    inDialog((method, count) => (method === 'INVITE' ? (count === 1 ? [491, 'Pending'] : [200, 'OK']) : undefined));
    const result = outbound.reinvite('v=0 hold');
    await until(() => clock.pendingTimers > 0 && invites() === 2, 'the back-off');
    await clock.advanceAsync(2_090);
    await test_.settle();
    expect(invites()).toBe(2);
    await clock.advanceAsync(2_000);
    await expect(result).resolves.toMatchObject({ kind: 'accepted' });
    expect(invites()).toBe(3);
  });

  test('491 for ever is a refusal in the end', async () => {
    const outbound = await talking();
    inDialog((method) => (method === 'INVITE' ? [491, 'Pending'] : undefined));
    const result = outbound.reinvite('v=0 hold');
    for (let attempt = 1; attempt < reinviteAttemptsMax; attempt += 1) {
      await until(() => invites() === attempt + 1 && clock.pendingTimers > 0, 'the back-off');
      await clock.advanceAsync(4_000);
    }
    await expect(result).resolves.toMatchObject({ kind: 'refused', status: 491 });
    expect(invites()).toBe(reinviteAttemptsMax + 1);
  });

  test('a call that is hung up during the back-off leaves no timer', async () => {
    const outbound = await talking();
    inDialog((method) => (method === 'INVITE' ? [491, 'Pending'] : undefined));
    const result = expect(outbound.reinvite('v=0 hold')).rejects.toThrow(LegGone);
    await until(() => clock.pendingTimers > 0 && invites() === 2, 'the back-off');
    outbound.hangUp();
    await result;
  });

  test('an offer of theirs during our re-INVITE gets 491', async () => {
    const outbound = await talking();
    test_.server.reply = (message) => {
      if (!message.startLine.startsWith('INVITE')) return undefined;
      const txnId = test_.server.id('txn');
      return [
        test_.server.sentRequest(message, { txnId, text: withSipCallId(message, callee.callId) }),
        callee.inDialogFrame('INVITE', { body: 'v=0 glare' }),
      ];
    };
    void outbound.reinvite('v=0 hold').catch(() => undefined);
    await test_.server.untilSent('SIP/2.0 491');
  });

  test('a re-INVITE of theirs is answered with what the listener replies', async () => {
    await talking();
    const answer = await test_.request(callee.inDialogFrame('INVITE', { body: 'v=0 theirs' }));
    expect(answer.body).toBe('v=0 reply');
  });

  test('a re-INVITE that the far side does not know ends the call', async () => {
    const outbound = await talking();
    inDialog((method) => (method === 'INVITE' ? [481, 'Gone'] : undefined));
    await expect(outbound.reinvite('v=0 hold')).resolves.toMatchObject({ kind: 'refused', status: 481 });
    expect(told.at(-1)).toBe('hung up: lost');
    await test_.server.untilSent('BYE');
  });

  test('INFO resolves with its status', async () => {
    const outbound = await talking();
    inDialog((method) => (method === 'INFO' ? [415, 'No'] : undefined));
    await expect(outbound.sendInfo('application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n')).resolves.toBe(415);
    expect(test_.server.last('INFO').headers.get('content-type')).toBe('application/dtmf-relay');
  });

  test('a dialog that the server no longer has is over', async () => {
    const outbound = await talking();
    test_.server.reply = (message) => [
      test_.server.refusal(message, 'Server error: unable to find dialog for dialog id provided'),
    ];
    await expect(outbound.sendInfo('application/dtmf', '5')).rejects.toThrow(LegGone);
    expect(told.at(-1)).toBe('hung up: lost');
  });

  function invites(): number {
    return test_.server.requests.filter((method) => method === 'INVITE').length;
  }
});

function withSipCallId(message: SentMessage, callId: string): string {
  return message.text.replace(
    /\r\n/,
    `\r\nFrom: <sip:127.0.0.1:5060>;tag=us\r\nTo: <sip:bob@127.0.0.9>;tag=callee\r\nCall-ID: ${callId}\r\nCSeq: 2 X\r\n`,
  );
}
