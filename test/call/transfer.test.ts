import type { Destination } from '../../src/dialplan/destination';
import type { VirtualCallOptions } from '../support/virtual-call';
import { pcmuOffer, promptLevels } from '../support/virtual-call';
import { destination, TransferringCall } from './transferring-call';

const humanLevel = 6_000;
const noFallback = { busy: undefined, noAnswer: undefined, failure: undefined };
const callerLevel = 7_000;

function levels(phone: { heard: { atMs: number; samples: Int16Array }[] }, sinceMs: number): number[] {
  const found = new Set<number>();
  for (const { atMs, samples } of phone.heard) if (atMs >= sinceMs) found.add(Math.abs(samples[80] ?? 0));
  return [...found];
}

describe('a transfer by bridging', () => {
  test('waits for the last words, plays music while it rings, and joins both', async () => {
    const call = new TransferringCall([destination('sales')]);
    await call.answered();
    void call.speak(1_000);
    await call.askForTransfer('sales');
    await call.run(900);
    expect(call.callees.called).toHaveLength(0);
    await call.run(400);
    expect(call.callees.called).toHaveLength(1);
    expect(call.callee.invite).toMatchObject({ uri: 'sip:sales@192.0.2.7', timeoutMs: 25_000 });
    const musicFrom = call.clock.now();
    await call.run(3_000);
    expect(call.longestSilenceSince(musicFrom)).toBe(0);
    expect(call.heardSince(musicFrom + 40)).toBe(promptLevels['hold-music']);
    expect(call.openConnections).toBe(1);

    call.callee.ring();
    call.callee.answer(pcmuOffer);
    await call.run(20);
    // The model costs nothing any more.
    expect(call.openConnections).toBe(0);
    const joinedAt = call.clock.now();
    const human = call.calleePhone('sales');
    human.say(new Int16Array(8_000).fill(humanLevel));
    call.phone.say(new Int16Array(8_000).fill(callerLevel));
    await call.run(1_100);
    expect(levels(call.phone, joinedAt + 60)).toEqual([humanLevel, 0]);
    expect(levels(human, joinedAt + 60)).toEqual([callerLevel, 0]);
    call.callee.bye();
    expect(call.ended()).toBe('transfer-ended');
    expect(call.outcomes()).toEqual(['joined']);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'bye' });
    await call.expectClean();
  });

  test.each([
    [{ kind: 'media-error', message: 'FreeSWITCH is gone' }, 'media-failed'],
    [{ kind: 'media-timeout', silentMs: 15_000 }, 'transfer-ended'],
  ] as const)('ends when the media of the destination fails: %j', async (failure, reason) => {
    const call = await new TransferringCall([destination('sales')]).joined('sales');
    call.calleePhone('sales').fail(failure);
    expect(call.ended()).toBe(reason);
    expect(call.attempts).toMatchObject([{ outcome: 'joined', detail: failure.kind }]);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'bye' });
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    await call.expectClean();
  });

  test('adds one frame of delay at most, and neither drops nor lacks any', async () => {
    const call = await new TransferringCall([destination('sales')]).joined('sales');
    const human = call.calleePhone('sales');
    const numbered = new Int16Array(160 * 500);
    for (let i = 0; i < numbered.length; i += 1) numbered[i] = Math.floor(i / 160) + 100;
    human.say(numbered);
    call.phone.say(numbered);
    const from = call.clock.now();
    await call.run(10_500);
    for (const phone of [human, call.phone]) {
      const heard = phone.heard.filter(({ atMs }) => atMs > from);
      const first = heard.find(({ samples }) => Math.abs((samples[0] ?? 0) - 100) < 8);
      expect((first?.atMs ?? Infinity) - from).toBeLessThanOrEqual(60);
      const inOrder = heard.map(({ samples }) => samples[0] ?? 0).filter((value) => value >= 100);
      expect(inOrder).toHaveLength(500);
      expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
    }
    call.caller.bye();
    await call.expectClean();
  });

  test.each([
    [486, 'busy', 'The line is busy.'],
    [600, 'busy', 'The line is busy.'],
    [603, 'declined', 'The call was declined.'],
    [480, 'no-answer', 'Nobody answered.'],
    [503, 'failed', 'The destination could not be reached.'],
    [404, 'failed', 'The destination could not be reached.'],
  ])('comes back to the agent on %i, who is told why', async (status, outcome, reason) => {
    const call = new TransferringCall([destination('sales')]);
    await call.answered();
    await call.askForTransfer('sales');
    await call.run(300);
    call.callee.ring();
    await call.run(1_000);
    call.callee.reject(status);
    await call.run(100);
    expect(call.outcomes()).toEqual([outcome]);
    expect(call.told).toEqual([{ transferred: false, reason }]);
    expect(call.sent('response.create')).toHaveLength(1);
    expect(call.conversation.isTalking).toBe(true);
    expect(call.conversation.occupations.has('transfer')).toBe(false);
    call.caller.bye();
    await call.expectClean();
  });

  test('with waiting: ringing the caller hears a ringing tone in place of the music, from its beginning', async () => {
    const sales = destination('sales', { waiting: 'ringing', otherwise: { ...noFallback, busy: 'desk' } });
    const call = new TransferringCall([sales, destination('desk')]);
    await call.answered();
    await call.askForTransfer('sales');
    const from = call.clock.now();
    await call.run(1_500);
    expect(call.heardSince(from)).toBe(promptLevels.ringing);
    // The next one in the chain has its own.
    call.callee.reject(486);
    await call.run(60);
    const next = call.clock.now();
    await call.run(500);
    expect(call.heardSince(next)).toBe(promptLevels['hold-music']);
    call.callee.answer(pcmuOffer);
    await call.run(60);
    const joined = call.clock.now();
    await call.run(500);
    expect(call.heardSince(joined)).toBe(0);
    call.caller.bye();
    await call.expectClean();
  });

  test('is cancelled when nobody answers in time', async () => {
    const call = await new TransferringCall([destination('sales', { ringLimitMs: 5_000 })]).transferring('sales');
    await call.run(5_000);
    expect(call.outcomes()).toEqual(['no-answer']);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test('goes on to the destination that the plan has for the failure', async () => {
    const call = await new TransferringCall([
      destination('sales', { otherwise: { ...noFallback, busy: 'desk' } }),
      destination('desk', { otherwise: { ...noFallback, failure: 'voicemail' } }),
      destination('voicemail'),
    ]).transferring('sales');
    call.callee.reject(486);
    await call.run(40);
    call.callee.reject(500);
    await call.run(40);
    expect(call.callee.invite.uri).toBe('sip:voicemail@192.0.2.7');
    call.callee.answer(pcmuOffer);
    await call.run(40);
    expect(call.outcomes()).toEqual(['busy', 'failed', 'joined']);
    call.caller.bye();
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    await call.expectClean();
  });

  test('refuses what passes the limits of the destination', async () => {
    const limits = { callsMax: undefined, callsPerMinuteMax: 1 };
    const call = await new TransferringCall([destination('sales', { limits })]).transferring('sales');
    call.callee.reject(486);
    await call.run(40);
    await call.askForTransfer('sales');
    await call.run(300);
    expect(call.callees.called).toHaveLength(1);
    expect(call.outcomes()).toEqual(['busy', 'refused']);
    await call.run(60_000);
    await call.askForTransfer('sales');
    await call.run(300);
    expect(call.callees.called).toHaveLength(2);
    call.caller.bye();
    await call.expectClean();
  });

  test('is refused while another one is under way, or waits for the last words', async () => {
    const call = new TransferringCall([destination('sales'), destination('desk')]);
    await call.answered();
    await call.speak(500);
    await call.askForTransfer('sales');
    await call.askForTransfer('desk');
    await call.run(1_000);
    await call.askForTransfer('desk');
    expect(call.callees.called).toHaveLength(1);
    const busy = { error: 'The call is being put through, or ended, already.' };
    expect(call.told).toEqual([busy, busy]);
    call.caller.bye();
    await call.expectClean();
  });

  test('is given up when the caller speaks during the last words', async () => {
    const call = new TransferringCall([destination('sales')]);
    await call.answered();
    void call.speak(2_000);
    await call.askForTransfer('sales');
    await call.run(500);
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 500, item_id: 'item_2' });
    await call.run(5_000);
    expect(call.callees.called).toHaveLength(0);
    expect(call.conversation.isTalking).toBe(true);
    expect(call.attempts).toEqual([]);
    expect(call.told).toEqual([{ transferred: false, reason: 'The caller spoke before the call was put through.' }]);
    call.caller.bye();
    await call.expectClean();
  });

  test.each(['before it rings', 'while it rings'])('is cancelled when the caller hangs up %s', async (when) => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    if (when === 'while it rings') call.callee.ring();
    await call.run(500);
    call.caller.bye();
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.outcomes()).toEqual(['cancelled']);
    expect(call.ended()).toBe('caller-hung-up');
    await call.expectClean();
  });

  test('an answer that crosses the CANCEL is hung up at once', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.caller.bye();
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled', 'acknowledged', 'bye']);
    expect(call.outcomes()).toEqual(['cancelled']);
    await call.expectClean();
  });

  test('a caller who hangs up as the human answers leaves nothing behind', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.callee.answer(pcmuOffer);
    call.caller.bye();
    await call.run(100);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['acknowledged', 'bye']);
    expect(call.ended()).toBe('caller-hung-up');
    await call.expectClean();
  });

  test('a caller who hangs up while the second leg is being made leaves nothing behind', async () => {
    const call = new TransferringCall([destination('sales')], { mediaDelayMs: 50 });
    await call.answered();
    await call.askForTransfer('sales');
    await call.run(190);
    call.caller.bye();
    await call.run(100);
    expect(call.callees.called).toHaveLength(0);
    await call.expectClean();
  });

  test('a model that is lost while it rings does not disturb it', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.peer?.close(1006, 'gone');
    await call.run(500);
    expect(call.ended()).toBeUndefined();
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(call.outcomes()).toEqual(['joined']);
    call.caller.bye();
    await call.expectClean();
  });

  test('without its model a caller who reaches nobody hears an apology', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.peer?.close(1006, 'gone');
    await call.run(500);
    call.callee.reject(486);
    const from = call.clock.now();
    await call.run(2_000);
    // Its edges overshoot where it is resampled.
    expect(Math.abs(call.heardSince(from) - promptLevels.apology)).toBeLessThan(400);
    expect(call.ended()).toBe('model-lost');
    await call.expectClean();
  });

  test('the length of the call counts on, the session of the model does not', async () => {
    const call = await new TransferringCall([destination('sales')], {
      decision: (answer) => ({ ...answer, lengthLimitMs: 120_000 }),
    }).joined('sales');
    call.calleePhone('sales');
    await call.run(118_000);
    expect(call.ended()).toBeUndefined();
    await call.run(2_000);
    expect(call.ended()).toBe('length-limit');
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    await call.expectClean();
  });

  test('a caller who waits at the limit of the call hears a goodbye, and the destination is cancelled', async () => {
    const call = await new TransferringCall([destination('sales', { ringLimitMs: 60_000 })], {
      decision: (answer) => ({ ...answer, lengthLimitMs: 10_000 }),
    }).transferring('sales');
    await call.run(12_000);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.ended()).toBe('length-limit');
    await call.expectClean();
  });

  test('keys go over in both directions', async () => {
    const call = await new TransferringCall([destination('sales')]).joined('sales');
    call.phone.press('5');
    call.calleePhone('sales').press('#');
    call.callee.pressByInfo('7');
    expect(call.calleePhone('sales').keys.map(({ digit }) => digit)).toEqual(['5']);
    expect(call.phone.keys.map(({ digit }) => digit)).toEqual(['#', '7']);
    call.caller.bye();
    await call.expectClean();
  });

  test('either side may hold the other and come back', async () => {
    const call = await new TransferringCall([destination('sales')]).joined('sales');
    const held = pcmuOffer.replace('a=sendrecv', 'a=sendonly').replace('o=- 1 1', 'o=- 1 2');
    expect(await call.callee.reinvite(held)).toMatchObject({ sdp: expect.stringContaining('recvonly') });
    expect(await call.caller.reinvite(held)).toMatchObject({ sdp: expect.stringContaining('recvonly') });
    await call.run(1_000);
    const back = pcmuOffer.replace('o=- 1 1', 'o=- 1 3');
    expect(await call.callee.reinvite(back)).toMatchObject({ sdp: expect.stringContaining('sendrecv') });
    expect(await call.caller.reinvite(back)).toMatchObject({ sdp: expect.stringContaining('sendrecv') });
    const from = call.clock.now();
    call.calleePhone('sales').say(new Int16Array(800).fill(humanLevel));
    await call.run(200);
    expect(call.heardSince(from)).toBe(humanLevel);
    call.caller.bye();
    await call.expectClean();
  });

  test('early media is heard in place of the music, and the caller is not heard before the answer', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.callee.ring(183, pcmuOffer);
    await call.run(200);
    const human = call.calleePhone('sales');
    const quiet = call.clock.now();
    await call.run(1_000);
    expect(call.heardSince(quiet)).toBe(promptLevels['hold-music']);
    human.say(new Int16Array(4_000).fill(humanLevel));
    call.phone.say(new Int16Array(4_000).fill(callerLevel));
    await call.run(60);
    const from = call.clock.now();
    await call.run(300);
    expect(call.heardSince(from)).toBe(humanLevel);
    expect(levels(human, quiet)).toEqual([0]);
    call.callee.reject(486);
    await call.run(40);
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test('an answer whose audio cannot be used is hung up and told as a failure', async () => {
    const call = await new TransferringCall([destination('sales')]).transferring('sales');
    call.callee.answer('v=0\r\nnonsense');
    await call.run(40);
    expect(call.outcomes()).toEqual(['failed']);
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    call.caller.bye();
    await call.expectClean();
  });

  test('a destination without a free port is a failure', async () => {
    const call = new TransferringCall([destination('sales')]);
    await call.answered();
    call.media.refusal = new Error('no port is free');
    await call.askForTransfer('sales');
    await call.run(300);
    expect(call.outcomes()).toEqual(['failed']);
    call.caller.bye();
    await call.expectClean();
  });
});

describe('what the model asks for', () => {
  test.each([
    ['a number', '+33123456789', {}],
    ['a destination that the agent may not use', 'desk', {}],
    ['a name and something else', 'sales', { number: '+33123456789' }],
  ])('%s is refused', async (_what, name, extra) => {
    const call = new TransferringCall([destination('sales'), destination('desk')], { transfers: ['sales'] });
    await call.answered();
    await call.askForTransfer(name, extra);
    await call.run(1_000);
    expect(call.callees.called).toHaveLength(0);
    expect(call.told).toEqual([{ error: expect.any(String) }]);
    call.caller.bye();
    await call.expectClean();
  });

  test('is one of the names that the agent was given', async () => {
    const call = new TransferringCall([destination('sales'), destination('desk')], { transfers: ['sales'] });
    await call.answered();
    const [update] = call.sent('session.update');
    expect(JSON.stringify(update?.event)).toContain('"enum":["sales"]');
    call.caller.bye();
    await call.expectClean();
  });
});

describe('a transfer by REFER', () => {
  const refer = [destination('sales', { method: 'refer' })];

  test('is followed to its end, and then the call is hung up', async () => {
    const call = await new TransferringCall(refer).transferring('sales');
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'referred', uri: 'sip:sales@192.0.2.7' });
    call.caller.tellReferred({ kind: 'accepted' });
    call.caller.tellReferred({ kind: 'status', status: 180 });
    const from = call.clock.now();
    await call.run(2_000);
    expect(call.longestSilenceSince(from)).toBe(0);
    call.caller.tellReferred({ kind: 'status', status: 200 });
    expect(call.ended()).toBe('transferred');
    expect(call.outcomes()).toEqual(['referred']);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'bye' });
    await call.expectClean();
  });

  test.each([
    ['busy', { kind: 'status', status: 486 }],
    ['declined', { kind: 'status', status: 603 }],
    ['no-answer', { kind: 'status', status: 480 }],
    ['failed', { kind: 'status', status: 503 }],
    ['failed', { kind: 'refused', status: 405 }],
    ['failed', { kind: 'refused', status: 603 }],
    ['failed', { kind: 'ended' }],
  ] as const)('that is %s comes back to the agent: %j', async (outcome, progress) => {
    const call = await new TransferringCall(refer).transferring('sales');
    call.caller.tellReferred(progress);
    await call.run(40);
    expect(call.outcomes()).toEqual([outcome]);
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test.each([
    ['the REFER is not answered', [], 10_000, 'failed'],
    ['no NOTIFY comes', [{ kind: 'accepted' }], 10_000, 'failed'],
    ['it rings for ever', [{ kind: 'accepted' }, { kind: 'status', status: 180 }], 30_000, 'no-answer'],
  ] as const)('times out when %s', async (_what, progress, afterMs, outcome) => {
    const call = await new TransferringCall(refer).transferring('sales');
    for (const one of progress) call.caller.tellReferred(one);
    await call.run(afterMs - 500);
    expect(call.conversation.occupations.has('transfer')).toBe(true);
    await call.run(500);
    expect(call.outcomes()).toEqual([outcome]);
    call.caller.tellReferred({ kind: 'status', status: 200 });
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test.each([
    ['after the 202', [{ kind: 'accepted' }]],
    ['while it is told that the destination rings', [{ kind: 'accepted' }, { kind: 'status', status: 180 }]],
    ['after a NOTIFY that overtook the 202', [{ kind: 'status', status: 100 }]],
  ] as const)("a caller's side that hangs up %s counts as referred", async (_when, progress) => {
    const call = await new TransferringCall(refer).transferring('sales');
    for (const one of progress) call.caller.tellReferred(one);
    call.caller.bye();
    expect(call.ended()).toBe('caller-hung-up');
    expect(call.attempts).toMatchObject([{ outcome: 'referred', detail: 'BYE after accepting' }]);
    await call.expectClean();
  });

  test('a caller who hangs up before the REFER is accepted is not', async () => {
    const call = await new TransferringCall(refer).transferring('sales');
    call.caller.bye();
    expect(call.ended()).toBe('caller-hung-up');
    expect(call.outcomes()).toEqual(['cancelled']);
    await call.expectClean();
  });

  test('a caller who is lost after the 202 was not sent on', async () => {
    const call = await new TransferringCall(refer).transferring('sales');
    call.caller.tellReferred({ kind: 'accepted' });
    call.caller.lose('session timer');
    expect(call.outcomes()).toEqual(['cancelled']);
    await call.expectClean();
  });

  test('a caller who hangs up after the 202 while another destination is tried was not sent on', async () => {
    const call = await new TransferringCall([
      destination('sales', { method: 'refer', otherwise: { ...noFallback, busy: 'desk' } }),
      destination('desk'),
    ]).transferring('sales');
    call.caller.tellReferred({ kind: 'accepted' });
    call.caller.tellReferred({ kind: 'status', status: 486 });
    await call.run(300);
    call.caller.bye();
    expect(call.outcomes()).toEqual(['busy', 'cancelled']);
    await call.expectClean();
  });
});

describe('a route without an agent', () => {
  const bridge = (answer: Parameters<NonNullable<VirtualCallOptions['decision']>>[0]) => ({
    kind: 'bridge' as const,
    route: answer.route,
    planHash: answer.planHash,
    trunk: undefined,
    splits: [],
    headers: {},
    destination: 'sales',
    lengthLimitMs: 60_000,
    callsLimit: undefined,
    destinations: answer.destinations ?? new Map<string, Destination>(),
  });

  test('lets the caller ring until the destination answers, and joins the two', async () => {
    const call = new TransferringCall([destination('sales')], { decision: bridge });
    call.ring();
    await call.run(2_000);
    expect(call.caller.saw.map(({ kind }) => kind)).toEqual(['ringing']);
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(call.caller.saw.map(({ kind }) => kind)).toEqual(['ringing', 'answered']);
    const from = call.clock.now();
    call.calleePhone('sales').say(new Int16Array(800).fill(humanLevel));
    await call.run(300);
    expect(call.heardSince(from)).toBe(humanLevel);
    expect(call.openConnections).toBe(0);
    await call.run(60_000);
    expect(call.ended()).toBe('length-limit');
    await call.expectClean();
  });

  test.each([
    [486, 486],
    [603, 603],
    [480, 480],
    [503, 503],
  ])('tells the caller by a SIP status when it gets %i', async (status, told) => {
    const call = new TransferringCall([destination('sales')], { decision: bridge });
    call.ring();
    await call.run(500);
    call.callee.reject(status);
    await call.run(40);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'rejected', status: told });
    expect(call.ended()).toBe('bridge-failed');
    await call.expectClean();
  });

  test('a caller who gives up cancels the destination', async () => {
    const call = new TransferringCall([destination('sales')], { decision: bridge });
    call.ring();
    await call.run(500);
    call.caller.cancel();
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.ended()).toBe('caller-hung-up');
    await call.expectClean();
  });

  test('takes over when the model cannot be had', async () => {
    const call = new TransferringCall([destination('sales')], {
      modelSilent: true,
      decision: (answer) => ({ ...answer, unavailable: { bridge: 'sales' } }),
    });
    call.ring();
    await call.run(3_100);
    expect(call.openConnections).toBe(0);
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(call.caller.saw.map(({ kind }) => kind)).toEqual(['ringing', 'answered']);
    call.callee.bye();
    expect(call.ended()).toBe('transfer-ended');
    await call.expectClean();
  });
});
