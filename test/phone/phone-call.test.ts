import { FrameClock } from '../../src/media/frame-clock';
import { MemoryLegFactory, type MemoryPhone } from '../../src/media/memory-leg';
import { Phone } from '../../src/phone/phone';
import type { PhoneCall } from '../../src/phone/phone-call';
import type { PhoneSource } from '../../src/phone/phone-source';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { SentMessage } from '../support/fake-drachtio-server';
import { FakeCallee } from '../support/fake-sip-peers';
import { LinkUnderTest } from '../support/link-under-test';
import { until } from '../support/until';

const sdp = (lines: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...lines, ''].join('\r\n');
const answerSdp = sdp(['m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000']);

describe('PhoneCall', () => {
  let test_: LinkUnderTest;
  let clock: VirtualClock;
  let callee: FakeCallee;
  let media: MemoryLegFactory;
  let phone: Phone;

  beforeEach(async () => {
    clock = new VirtualClock();
    test_ = await LinkUnderTest.start({ clock });
    callee = new FakeCallee(test_.server);
    media = new MemoryLegFactory({ clock, frameClock: new FrameClock({ clock }) });
    phone = new Phone({ link: test_.link, media, clock, random: seededRandom(3), log: silentLogger });
  });
  afterEach(async () => {
    phone.close();
    await test_.close();
    expect(test_.bugs).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  const loud: PhoneSource = { pull: (frame) => void frame.fill(6_000) };

  async function dial(answer: string | number, source = loud): Promise<PhoneCall> {
    test_.server.reply = (message) => {
      if (!message.startLine.startsWith('INVITE sip:bob')) return undefined;
      const final =
        typeof answer === 'string'
          ? callee.responseFrame(200, 'OK', { body: answer })
          : callee.responseFrame(answer, 'No');
      return [callee.inviteSentFrame(message), callee.responseFrame(180, 'Ringing'), final];
    };
    const call = await phone.call('sip:bob@127.0.0.9', { source, record: true });
    await until(() => call.state !== 'dialling', 'the answer');
    return call;
  }

  /** Who is on the other side of the phone's leg. */
  const otherSide = (): MemoryPhone => [...media.phones.values()][0]!;

  function onReinvite(respond: (message: SentMessage) => [status: number, body: string]): void {
    test_.server.reply = (message) => {
      if (!message.startLine.startsWith('INVITE')) return undefined;
      const [status, body] = respond(message);
      const txnId = test_.server.id('txn');
      return [
        test_.server.sentRequest(message, {
          txnId,
          text: message.text.replace(/\r\n/, `\r\nCall-ID: x\r\nCSeq: 2 INVITE\r\n`),
        }),
        callee.responseFrame(status, 'X', { txnId, cseq: '2 INVITE', body }),
      ];
    };
  }

  test('what was said and heard lies on one axis from the answer', async () => {
    const call = await dial(answerSdp);
    await clock.advanceAsync(1_000);
    otherSide().say(new Int16Array(1_600).fill(9_000));
    await clock.advanceAsync(1_000);
    const { caller, agent } = call.recording!;
    expect(caller.length).toBe(agent.length);
    expect(Math.abs(caller.length - 16_000)).toBeLessThanOrEqual(160);
    const spokenFrom = agent.findIndex((sample) => sample !== 0) / 8;
    expect(Math.abs(spokenFrom - 1_000)).toBeLessThanOrEqual(20);
    expect(caller.filter((sample) => sample === 6_000).length).toBeGreaterThan(15_500);
    expect(call.events.map(({ kind }) => kind)).toEqual(['ringing', 'answered', 'first-audio']);
  });

  test('on hold the phone is silent and says so in its SDP, with a new version', async () => {
    const call = await dial(answerSdp);
    await clock.advanceAsync(200);
    onReinvite(() => [200, `${answerSdp}a=recvonly\r\n`]);
    await expect(call.hold()).resolves.toBe(true);
    const held = test_.server.last('INVITE').body;
    expect(held).toContain('a=sendonly');
    const heardBefore = otherSide().heard.length;
    await clock.advanceAsync(200);
    const heard = otherSide().heard.slice(heardBefore);
    expect(heard.length).toBe(10);
    expect(heard.every(({ samples }) => samples.every((sample) => sample === 0))).toBe(true);
    onReinvite(() => [200, answerSdp]);
    await expect(call.resume()).resolves.toBe(true);
    const versions = test_.server.messages
      .filter(({ startLine }) => startLine.startsWith('INVITE'))
      .map(({ body }) => /^o=\S+ \S+ (\d+)/m.exec(body)?.[1]);
    expect(versions).toEqual(['1', '2', '3']);
    await clock.advanceAsync(20);
    expect(otherSide().heard.at(-1)!.samples[0]).toBe(6_000);
  });

  test('a refused hold changes nothing', async () => {
    const call = await dial(answerSdp);
    onReinvite(() => [488, '']);
    await expect(call.hold()).resolves.toBe(false);
    await clock.advanceAsync(20);
    expect(otherSide().heard.at(-1)!.samples[0]).toBe(6_000);
    expect(call.state).toBe('talking');
  });

  test("the other side's re-INVITE is answered; one without a codec of ours is refused", async () => {
    await dial(answerSdp);
    const held = await test_.request(callee.inDialogFrame('INVITE', { body: `${answerSdp}a=sendonly\r\n` }));
    expect(held.body).toContain('a=recvonly');
    const video = await test_.request(callee.inDialogFrame('INVITE', { body: sdp(['m=video 5000 RTP/AVP 96']) }));
    expect(video.startLine).toContain('488');
  });

  test('an answer without a codec of ours is hung up and told', async () => {
    const call = await dial(sdp(['m=video 5000 RTP/AVP 96']));
    await call.ended;
    expect(call.timeline().why).toContain('the answer cannot be used');
    await test_.server.untilSent('BYE');
  });

  test('a refusal is told with its status', async () => {
    const call = await dial(486);
    await call.ended;
    expect(call.timeline()).toMatchObject({ ringingAfterMs: 0, answeredAfterMs: undefined, why: '486 No' });
    expect(phone.calls).toBe(0);
  });

  test('when the media fails, the phone hangs up and blames the network', async () => {
    const call = await dial(answerSdp);
    otherSide().fail({ kind: 'media-timeout', silentMs: 15_000 });
    await call.ended;
    expect(call.timeline()).toMatchObject({ endedBy: 'network', why: 'media-timeout' });
    await test_.server.untilSent('BYE');
  });

  test('keys that the other side presses are told', async () => {
    const call = await dial(answerSdp);
    otherSide().press('8');
    expect(call.timeline().digits).toEqual(['8']);
  });

  test('hanging up while it rings cancels', async () => {
    test_.server.reply = (message) =>
      message.startLine.startsWith('INVITE sip:bob')
        ? [callee.inviteSentFrame(message), callee.responseFrame(180, 'Ringing')]
        : undefined;
    const call = await phone.call('sip:bob@127.0.0.9', { source: loud, record: true });
    await until(() => call.events.length > 0, 'the ringing');
    call.hangUp();
    await call.ended;
    await test_.server.untilSent('CANCEL');
    expect(call.timeline()).toMatchObject({ endedBy: 'caller', durationMs: undefined });
  });

  test('without a free port there is no call', async () => {
    media.refusal = new Error('no port');
    await expect(phone.call('sip:bob@127.0.0.9', { source: loud, record: false })).rejects.toThrow('no port');
    expect(test_.server.messages).toEqual([]);
  });
});
