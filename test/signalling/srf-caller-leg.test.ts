import { LegGone, type CallerHangUp, type CallerLegListener, type OfferReply } from '../../src/signalling/caller-leg';
import type { SentMessage } from '../support/fake-drachtio-server';
import { answerSent, FakeCaller } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { until } from '../support/until';

describe('SrfCallerLeg', () => {
  let test_: LinkUnderTest;
  let hangUps: CallerHangUp[];
  let digits: string[];

  beforeEach(async () => {
    test_ = await LinkUnderTest.start();
    hangUps = [];
    digits = [];
  });
  afterEach(() => test_.close());

  function listener(onOffer: (offer: string | undefined) => Promise<OfferReply>): CallerLegListener {
    return {
      onHangUp: (how) => hangUps.push(how),
      onOffer,
      onAnswer: () => undefined,
      onDigit: (digit) => digits.push(digit),
    };
  }
  const accepting = (): CallerLegListener => listener(() => Promise.resolve({ sdp: 'v=0 new' }));

  async function talkingCall(legListener = accepting()): Promise<FakeCaller> {
    const { leg, caller } = await test_.invite();
    leg.listen(legListener);
    test_.server.reply = answerSent(caller, () => [caller.inDialogFrame('ACK')]);
    await leg.answer('v=0 answer');
    return caller;
  }

  test('a CANCEL in the same chunk as the INVITE is heard', async () => {
    const caller = new FakeCaller(test_.server);
    test_.onCall = (leg) => leg.listen(accepting());
    test_.server.send(caller.inviteFrame(), caller.cancelFrame());
    await until(() => hangUps.length > 0, 'the CANCEL');
    expect(hangUps).toEqual([{ kind: 'cancel' }]);
  });

  test('a BYE in the same chunk as the confirmation of our 200 is heard', async () => {
    const { leg, caller } = await test_.invite();
    leg.listen(accepting());
    test_.server.reply = answerSent(caller, () => [caller.inDialogFrame('ACK'), caller.inDialogFrame('BYE')]);
    await leg.answer('v=0 answer').catch(() => undefined);
    await until(() => hangUps.length > 0, 'the BYE');
    expect(hangUps).toEqual([{ kind: 'bye', reason: undefined }]);
    await test_.settle();
    expect(test_.server.requests).toEqual([]);
  });

  test('the 200 carries the SDP and says that it is SDP', async () => {
    await talkingCall();
    const answer = test_.server.last('SIP/2.0 200');
    expect(answer.body).toBe('v=0 answer');
    expect(answer.headers.get('content-type')).toBe('application/sdp');
  });

  test('a CANCEL that crossed our 200 ends the call as cancelled', async () => {
    const { leg } = await test_.invite();
    leg.listen(accepting());
    test_.server.reply = (message) => [test_.server.refusal(message, 'Response not sent due to unknown transaction')];
    await expect(leg.answer('v=0 answer')).rejects.toThrow(LegGone);
    expect(hangUps).toEqual([{ kind: 'cancel' }]);
  });

  test('a response that the server refuses after a CANCEL disturbs nobody', async () => {
    const { leg } = await test_.invite();
    test_.server.reply = (message) => [test_.server.refusal(message, 'Response not sent due to unknown transaction')];
    leg.ring();
    leg.reject(486);
    await test_.settle();
    expect(test_.bugs).toEqual([]);
  });

  test('a call hung up between its 200 and the ACK gets its BYE after the ACK, not before', async () => {
    const { leg, caller } = await test_.invite();
    leg.listen(accepting());
    test_.server.reply = answerSent(caller);
    const answered = expect(leg.answer('v=0 answer')).rejects.toThrow(LegGone);
    leg.hangUp();
    await answered;
    await test_.settle();
    expect(test_.server.requests).toEqual([]);
    test_.server.send(caller.inDialogFrame('ACK'));
    await test_.server.untilSent('BYE');
    expect(hangUps).toEqual([]);
  });

  test('the server’s own BYE after a missing ACK is told as lost, with its reason', async () => {
    const { leg, caller } = await test_.invite();
    leg.listen(accepting());
    test_.server.reply = answerSent(caller, () => [
      caller.inDialogFrame('BYE', { source: 'application', headers: { Reason: 'SIP;cause=200;text="ACK timeout"' } }),
    ]);
    await expect(leg.answer('v=0 answer')).rejects.toThrow(LegGone);
    expect(hangUps).toEqual([{ kind: 'lost', reason: 'ACK timeout' }]);
  });

  test('a BYE that the server no longer knows the dialog of is as good as sent', async () => {
    const caller = await talkingCall();
    test_.server.reply = (message) => [
      test_.server.refusal(message, 'Server error: unable to find dialog for dialog id provided'),
    ];
    test_.legs[0]!.hangUp();
    await test_.server.untilSent('BYE');
    await test_.settle();
    expect(test_.bugs).toEqual([]);
    // Nothing of the dialog is left: what comes for it now is unknown.
    expect((await test_.request(caller.inDialogFrame('INFO'))).startLine).toContain('481');
  });

  test('what comes after our BYE, before its answer, finds no dialog', async () => {
    const caller = await talkingCall();
    test_.legs[0]!.hangUp();
    await test_.server.untilSent('BYE');
    expect((await test_.request(caller.inDialogFrame('INVITE', { body: 'v=0 late' }))).startLine).toContain('481');
  });

  test('the reason for hanging up goes out with the BYE, on one line', async () => {
    await talkingCall();
    test_.legs[0]!.hangUp({ reason: 'bad "quote"\r\nX-Evil: 1' });
    const bye = await test_.server.untilSent('BYE');
    expect(bye.headers.get('reason')).toBe(`SIP;cause=200;text="bad 'quote'X-Evil: 1"`);
    expect(bye.headers.has('x-evil')).toBe(false);
  });

  const inDialogAnswers: [string, string, { body?: string; headers?: Record<string, string> }, string][] = [
    ['REFER is refused', 'REFER', { headers: { 'Refer-To': '<sip:premium@example.com>' } }, '403'],
    ['NOTIFY for nothing is a bad event', 'NOTIFY', { headers: { Event: 'refer' } }, '489'],
    ['OPTIONS shows that the dialog lives', 'OPTIONS', {}, '200'],
    ['MESSAGE is not allowed', 'MESSAGE', { body: 'hi', headers: { 'Content-Type': 'text/plain' } }, '405'],
    ['an empty INFO is fine', 'INFO', {}, '200'],
    ['a foreign INFO is unsupported', 'INFO', { body: '<xml/>', headers: { 'Content-Type': 'text/xml' } }, '415'],
    [
      'a broken digit is a bad request',
      'INFO',
      { body: 'Signal=flash', headers: { 'Content-Type': 'application/dtmf-relay' } },
      '400',
    ],
    ['an UPDATE without SDP refreshes the session', 'UPDATE', {}, '200'],
    [
      'a re-INVITE with another body is unsupported',
      'INVITE',
      { body: 'x', headers: { 'Content-Type': 'text/plain' } },
      '415',
    ],
  ];
  test.each(inDialogAnswers)('%s', async (_name, method, options, status) => {
    const caller = await talkingCall();
    const answer = await test_.request(caller.inDialogFrame(method, options));
    expect(answer.startLine.split(' ')[1]).toBe(status);
    expect(hangUps).toEqual([]);
    expect(digits).toEqual([]);
  });

  test('an UPDATE with SDP is an offer like any other', async () => {
    const caller = await talkingCall();
    const answer = await test_.request(caller.inDialogFrame('UPDATE', { body: 'v=0 moved' }));
    expect([answer.startLine, answer.body]).toEqual(['SIP/2.0 200 OK', 'v=0 new']);
    expect(answer.headers.get('contact')).toContain('sip:127.0.0.1:5060');
  });

  test('while the answer to our offer is due, another offer gets 491', async () => {
    const caller = await talkingCall();
    const ours = await test_.request(caller.inDialogFrame('INVITE'));
    expect(ours.body).toBe('v=0 new');
    const glare = await test_.request(caller.inDialogFrame('UPDATE', { body: 'v=0 glare' }));
    expect(glare.startLine).toContain('491');
  });

  test('a bug in the listener answers 500, is told with its call, and the connection lives on', async () => {
    const caller = await talkingCall(listener(() => Promise.reject(new Error('our bug'))));
    const answer = await test_.request(caller.inDialogFrame('INVITE', { body: 'v=0 hold' }));
    expect(answer.startLine).toContain('500');
    expect(test_.bugs).toEqual([{ where: 'dialog.modify', cause: new Error('our bug'), leg: test_.legs[0] }]);
    const options = await test_.request(caller.inDialogFrame('OPTIONS'));
    expect(options.startLine).toContain('200');
  });

  test('a listener that throws from a CANCEL does not poison the connection', async () => {
    const { leg, caller } = await test_.invite();
    leg.listen({
      ...accepting(),
      onHangUp: () => {
        throw new Error('our bug');
      },
    });
    test_.server.send(caller.cancelFrame());
    await until(() => test_.bugs.length > 0, 'the bug to be told');
    const { caller: next } = await test_.invite();
    expect(next.callId).not.toBe(caller.callId);
    await test_.settle();
    expect(test_.bugs).toHaveLength(1);
  });

  test('two INVITEs with one Call-ID: the second is refused, and the CANCEL still finds the first', async () => {
    const { leg } = await test_.invite({ callId: 'twice' });
    leg.listen(accepting());
    const second = new FakeCaller(test_.server, 'twice');
    test_.server.send(second.inviteFrame());
    await test_.server.untilSent('SIP/2.0 482');
    test_.server.send(second.cancelFrame());
    await until(() => hangUps.length > 0, 'the CANCEL');
    expect(test_.legs).toHaveLength(1);
    expect(hangUps).toEqual([{ kind: 'cancel' }]);
  });

  test('a caller that requires reliable ringing gets it', async () => {
    const { leg } = await test_.invite({ headers: { Require: '100rel' } });
    leg.ring();
    const ringing = await test_.server.untilSent('SIP/2.0 180');
    expect(ringing.headers.get('require')).toBe('100rel');
  });

  test('a status that srf does not know becomes the first of its class', async () => {
    const { leg } = await test_.invite();
    leg.reject(499);
    await test_.server.untilSent('SIP/2.0 400');
    expect(test_.bugs).toEqual([]);
  });

  test('a rejection carries its reason and headers', async () => {
    const { leg } = await test_.invite();
    leg.reject(503, { reason: 'Busy now', headers: { 'Retry-After': '7' } });
    const sent: SentMessage = await test_.server.untilSent('SIP/2.0 503 Busy now');
    expect(sent.headers.get('retry-after')).toBe('7');
  });

  test('the SDP part of a multipart INVITE is the offer', async () => {
    const body = [
      '--b1\r\nContent-Type: application/isup\r\n\r\nxx\r\n',
      '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.9\r\n--b1--\r\n',
    ].join('');
    const { leg } = await test_.invite({ body, headers: { 'Content-Type': 'multipart/mixed;boundary=b1' } });
    expect(leg.offer).toBe('v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\n');
  });
});
