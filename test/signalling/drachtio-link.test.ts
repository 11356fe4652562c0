import type { CallerHangUp, CallerLeg } from '../../src/signalling/caller-leg';
import { answerSent, FakeCaller } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { until } from '../support/until';

/** What a leg is told, by name. */
function listenTo(leg: CallerLeg): string[] {
  const told: string[] = [];
  leg.listen({
    onHangUp: (how: CallerHangUp) => told.push(how.kind),
    onServerLost: () => told.push('server-lost'),
    onOffer: () => Promise.resolve({ sdp: 'v=0 new answer' }),
    onAnswer: () => undefined,
    onDigit: () => undefined,
  });
  return told;
}

describe('a link to a drachtio-server', () => {
  let test_: LinkUnderTest;
  beforeEach(async () => {
    test_ = await LinkUnderTest.start({}, 'drachtio-server');
  });
  afterEach(() => test_.close());

  async function talking(headers: Record<string, string> = {}) {
    const caller = new FakeCaller(test_.server);
    test_.server.reply = answerSent(caller, () => [caller.inDialogFrame('ACK')]);
    test_.server.send(caller.inviteFrame({ headers }));
    await until(() => test_.legs.length > 0, 'the INVITE');
    const leg = test_.legs[0]!;
    const told = listenTo(leg);
    await leg.answer('v=0 answer');
    test_.server.reply = () => undefined;
    return { caller, leg, told };
  }

  const lost = async (): Promise<void> => {
    test_.server.dropConnections();
    await until(() => test_.states.at(-1) === 'lost', 'the loss');
  };
  const regained = (): Promise<void> => until(() => test_.states.at(-1) === 'connected', 'the new connection');

  test.each([
    ['*'],
    ['<tel:+15551234567>'],
    ['sip:'],
    ['<sip:@>'],
    ['<urn:x:y>'],
    ['"unterminated <sip:a@h>'],
    [`<sip:${'a'.repeat(5_000)}@h>`],
  ])('an INVITE whose Contact is %p would kill the server with any answer, and gets none', async (contact) => {
    test_.server.send(new FakeCaller(test_.server).inviteFrame({ headers: { Contact: contact } }));
    await until(() => test_.link.unanswerable === 1, 'the drop');
    await test_.settle();
    expect(test_.server.messages).toEqual([]);
    expect(test_.legs).toEqual([]);
  });

  test('an INVITE with a long Call-ID gets no answer', async () => {
    const caller = new FakeCaller(test_.server, 'é'.repeat(129));
    test_.server.send(caller.inviteFrame());
    await until(() => test_.link.unanswerable === 1, 'the drop');
    expect(test_.server.messages).toEqual([]);
  });

  test('a message that is too long for the server is not sent, and the next one is', async () => {
    const From = `"${'x'.repeat(3_000)}" <sip:caller@h>;tag=caller`;
    test_.server.send(new FakeCaller(test_.server).inviteFrame({ headers: { From } }));
    await until(() => test_.legs.length > 0, 'the INVITE');
    const leg = test_.legs[0]!;
    const told = listenTo(leg);
    await expect(leg.answer(`v=0\r\n${'a=x\r\n'.repeat(1_980)}`)).rejects.toThrow();
    expect(test_.link.stats.refusedMessages).toBe(1);
    expect(told).toEqual(['lost']);
    await expect(test_.link.ping({ deadlineMs: 10_000 })).resolves.toBeGreaterThanOrEqual(0);
    expect(test_.server.messages).toEqual([]);
  });

  test('a call that is talked on outlives the server', async () => {
    const { leg, told } = await talking();
    await lost();
    expect(told).toEqual(['server-lost']);
    expect(test_.link.legs).toBe(1);
    await regained();
    leg.hangUp();
    const bye = await test_.server.untilSent('BYE');
    expect(bye.dialogId).not.toBe('');
    expect(test_.link.legs).toBe(0);
  });

  test('a call that is hung up while the server is away gets its BYE when it is back', async () => {
    const { leg } = await talking();
    await lost();
    leg.hangUp();
    expect(test_.server.requests).toEqual([]);
    await regained();
    await test_.server.untilSent('BYE');
  });

  test('a call that was not answered yet is over with the server', async () => {
    const { leg } = await test_.invite();
    const told = listenTo(leg);
    await lost();
    expect(told).toEqual(['server-gone']);
  });

  test('closing the link ends every call on it', async () => {
    const { told } = await talking();
    await test_.link.close();
    expect(told).toEqual(['server-gone']);
  });

  test('answers ask a caller that supports timers to refresh', async () => {
    const { caller } = await talking({ Supported: 'timer', 'Session-Expires': '1800' });
    const answer = test_.server.last('SIP/2.0 200');
    expect(answer.headers.get('session-expires')).toBe('90;refresher=uac');
    expect(answer.headers.get('require')).toBe('timer');
    test_.server.messages.length = 0;
    test_.server.send(caller.inDialogFrame('UPDATE', { headers: { Supported: 'timer', 'Session-Expires': '90' } }));
    const refreshed = await test_.server.untilSent('SIP/2.0 200');
    expect(refreshed.headers.get('session-expires')).toBe('90;refresher=uac');
  });

  test('a caller that wants a session shorter than 90 s is told how short it may be', async () => {
    const headers = { Supported: 'timer', 'Session-Expires': '60;refresher=uac' };
    test_.server.send(new FakeCaller(test_.server).inviteFrame({ headers }));
    const refusal = await test_.server.untilSent('SIP/2.0 422');
    expect(refusal.headers.get('min-se')).toBe('90');
    expect(test_.legs).toEqual([]);
  });

  test('a server that does not answer the secret in time is tried again', async () => {
    await lost();
    await regained();
    test_.server.answersPings = false;
    await until(() => test_.link.stats.losses === 2, 'the watchdog', 15_000);
    await regained();
  });
});
