import { handoffsMax } from '../../src/call/handoffs';
import { retireMs } from '../../src/realtime/session-retirement';
import { done } from '../../src/tools/tool-run';
import { pcmuOffer } from '../support/virtual-call';
import type { Form } from './handing-call';
import { HandingCall } from './handing-call';
import { callerStartsToSpeak, callsFunction, doneResponse, part, startResponse } from './model-lines';
import { TestTool } from './test-tool';

const forms: readonly Form[] = ['same', 'new'];
const voice = (ms: number) => Int16Array.from({ length: ms * 8 }, (_, i) => 6_000 * Math.sin(i * 0.9));

/** Each token that was written costs so many millionths of a dollar. */
const prices = (perOutput: number) => ({
  textIn: 0,
  textCached: 0,
  audioIn: 0,
  audioCached: 0,
  imageIn: 0,
  imageCached: 0,
  textOut: perOutput,
  audioOut: perOutput,
});

function callerStopsSpeaking(call: HandingCall, itemId = 'item_user'): void {
  call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 1_700, item_id: itemId });
}

function callerWas(call: HandingCall, itemId: string, transcript: string): void {
  call.say({
    type: 'conversation.item.input_audio_transcription.completed',
    item_id: itemId,
    content_index: 0,
    transcript,
    usage: { type: 'duration', seconds: 1 },
  });
}

async function hangsUp(call: HandingCall): Promise<void> {
  call.caller.bye();
  await call.expectClean();
}

describe.each(forms)('a hand-over in the %s session', (form) => {
  test('waits until the last words were heard, and then the other agent is asked to speak', async () => {
    const call = await new HandingCall({ form }).spoken();
    await call.handsOff(await call.speak(1_000));
    await call.run(500);
    expect([call.outcomes(), call.agent]).toEqual([[], 'reception']);
    await call.run(600);
    expect([call.outcomes(), call.agent]).toEqual([['handed-off'], 'billing']);
    expect(call.handoffs[0]).toMatchObject({ from: 'reception', to: 'billing', session: form });
    expect(call.asked(call.nextSession)).toBe(1);
    expect(call.given(call.nextSession).at(-1)).toContain('"handed_off":true');
    await hangsUp(call);
  });

  test('gives the session instructions, tools and ways of listening of the other agent', async () => {
    const billing = { agent: { speed: 1.2, turn_detection: { type: 'semantic_vad' }, noise_reduction: 'near_field' } };
    const call = await new HandingCall({ form, billing }).handedOff();
    const update = call.sent('session.update').findLast(({ session }) => session === call.nextSession);
    const { instructions, tools, audio } = update?.event.session as {
      instructions: string;
      tools: { name: string }[];
      audio: { input: Record<string, unknown>; output: Record<string, unknown> };
    };
    expect(instructions).toBe('Know the bills.');
    expect(tools.map(({ name }) => name)).toEqual(['hand_off', 'hang_up', 'remember']);
    expect(audio.input).toMatchObject({
      turn_detection: { type: 'semantic_vad' },
      noise_reduction: { type: 'near_field' },
    });
    expect(audio.output.speed).toBe(1.2);
    expect(audio.output.voice).toBe(form === 'same' ? undefined : 'cedar');
    await hangsUp(call);
  });

  test('keeps what was said, as far as it was heard', async () => {
    const call = await new HandingCall({ form }).answered();
    callerStartsToSpeak(call, 'turn_1');
    callerStopsSpeaking(call, 'turn_1');
    callerWas(call, 'turn_1', 'I have a question.');
    const first = await call.speak(1_000, { itemId: 'said_1' });
    await call.run(500);
    callerStartsToSpeak(call, 'turn_2');
    const transcript = 'one two three four five six seven eight nine ten';
    call.say({ type: 'response.output_audio_transcript.done', ...part('said_1', first), transcript });
    doneResponse(call, { responseId: first, status: 'cancelled' });
    callerStopsSpeaking(call, 'turn_2');
    callerWas(call, 'turn_2', 'My bill is wrong.');
    await call.handsOff(await call.speak(200));
    await call.run(600);
    if (form === 'same') expect(call.sent('conversation.item.truncate')).toHaveLength(1);
    else {
      const items = call.given(1);
      expect(items[0]).toBe('user I have a question.');
      expect(items[1]).toMatch(/^assistant one two three( four)?( five)? \.\.\.$/);
      expect(items.slice(2, 4)).toEqual(['user My bill is wrong.', 'call hand_off']);
    }
    await hangsUp(call);
  });

  test("during a tool: the result that comes afterwards is the other agent's, and the tool runs once", async () => {
    const tool = new TestTool();
    const call = await new HandingCall({ form, tools: ['hand_off', tool] }).spoken();
    const responseId = await call.speak(300);
    callsFunction(call, { responseId, callId: 'call_look', name: 'look_up' });
    await call.handsOff(responseId);
    await call.run(800);
    expect(call.outcomes()).toEqual(['handed-off']);
    expect(call.asked(call.nextSession)).toBe(1);
    call.ends(await call.speak(100));
    tool.finish(done('{"balance":7}'));
    await call.run(50);
    const given = call.given(call.nextSession);
    expect(given.filter((item) => item === 'output {"balance":7}')).toHaveLength(1);
    if (form === 'new') expect(given.indexOf('call look_up')).toBeLessThan(given.indexOf('output {"balance":7}'));
    expect(tool.runs).toHaveLength(1);
    await hangsUp(call);
  });

  test('during a tool: a result that came before is known to the other agent', async () => {
    const tool = new TestTool();
    const call = await new HandingCall({ form, tools: ['hand_off', tool] }).spoken();
    const responseId = await call.speak(800);
    callsFunction(call, { responseId, callId: 'call_look', name: 'look_up' });
    await call.handsOff(responseId);
    await call.run(100);
    tool.finish(done('{"balance":7}'));
    await call.run(20);
    // The server's answer to the result has nothing to say.
    call.ends(await call.speak(0));
    await call.run(1_500);
    expect(call.outcomes()).toEqual(['handed-off']);
    expect(call.given(call.nextSession).filter((item) => item === 'output {"balance":7}')).toHaveLength(1);
    expect(tool.runs).toHaveLength(1);
    await hangsUp(call);
  });

  test('is not stopped by a caller who speaks over the last words: the other agent answers', async () => {
    const call = await new HandingCall({ form }).spoken();
    await call.handsOff(await call.speak(3_000));
    await call.run(300);
    callerStartsToSpeak(call);
    await call.run(200);
    expect([call.outcomes(), call.agent]).toEqual([['handed-off'], 'billing']);
    await hangsUp(call);
  });

  test('also goes on when the caller had spoken before the model asked for it', async () => {
    const call = await new HandingCall({ form }).spoken();
    const responseId = await call.speak(3_000);
    await call.run(300);
    callerStartsToSpeak(call);
    await call.handsOff(responseId);
    await call.run(200);
    expect([call.outcomes(), call.agent]).toEqual([['handed-off'], 'billing']);
    await hangsUp(call);
  });

  test('on hold goes on when nothing gets through to the caller any more', async () => {
    const call = await new HandingCall({ form }).spoken();
    const responseId = await call.speak(2_000);
    await call.caller.reinvite(pcmuOffer.replace('a=sendrecv', 'a=sendonly'));
    await call.handsOff(responseId);
    await call.run(12_000);
    expect(call.outcomes()).toEqual(['handed-off']);
    await hangsUp(call);
  });

  test('that comes before hold leaves the other agent to wait', async () => {
    const call = await new HandingCall({ form }).spoken();
    await call.handsOff(await call.speak(500));
    await call.caller.reinvite(pcmuOffer.replace('a=sendrecv', 'a=sendonly'));
    await call.run(12_000);
    expect(call.outcomes()).toEqual(['handed-off']);
    await call.caller.reinvite(pcmuOffer);
    await call.run(100);
    await hangsUp(call);
  });

  test('leaves secret keys to be keyed in, and tells the other agent only that they were', async () => {
    const digits = { keysMax: 4, endKey: '#', firstKeyMs: 20_000, nextKeyMs: 5_000, secure: true };
    const collect = { ...card, digits };
    const call = await new HandingCall({ form, tools: ['hand_off', collect] }).spoken();
    const responseId = await call.speak(200);
    callsFunction(call, { responseId, callId: 'call_card', name: 'card' });
    await call.handsOff(responseId);
    await call.run(600);
    expect([call.outcomes(), call.conversation.isSecure]).toEqual([['handed-off'], true]);
    for (const key of ['4', '7', '1', '1'] as const) {
      call.phone.press(key);
      await call.run(200);
    }
    call.ends(await call.speak(50));
    await call.run(100);
    const told = JSON.stringify(call.received);
    expect(told).not.toContain('4711');
    expect(
      call.given(call.nextSession).some((item) => item.startsWith('output') && item.includes('"keys":"secret"')),
    ).toBe(true);
    await hangsUp(call);
  });

  test('a second one during the first is refused, and the first goes on', async () => {
    const call = await new HandingCall({ form, colleagues: { support: {} } }).spoken();
    const responseId = await call.speak(400);
    callsFunction(call, {
      responseId,
      name: 'hand_off',
      callId: 'call_support',
      argumentsText: JSON.stringify({ agent: 'billing' }),
    });
    await call.handsOff(responseId, 'support', 'call_again');
    await call.run(1_000);
    expect(call.handoffs).toMatchObject([{ to: 'billing', outcome: 'handed-off' }]);
    const ran = call.events.flatMap(({ event }) => (event.kind === 'function-call' ? [event] : []));
    expect(ran.map(({ outcome, failure }) => [outcome, failure])).toContainEqual(['failed', 'not-now']);
    await hangsUp(call);
  });

  test('and back: context and session follow', async () => {
    const call = await new HandingCall({ form }).handedOff();
    await call.handsOff(await call.speak(300), 'reception');
    await call.run(800);
    expect(call.handoffs.map(({ to, session }) => [to, session])).toEqual([
      ['billing', form],
      ['reception', form],
    ]);
    expect(call.peers).toHaveLength(form === 'same' ? 1 : 3);
    await hangsUp(call);
  });

  test('ends at a limit, so that no caller is handed to and fro for ever', async () => {
    const call = await new HandingCall({ form }).spoken();
    for (let i = 0; i <= handoffsMax; i += 1) {
      await call.handsOff(await call.speak(100), i % 2 === 0 ? 'billing' : 'reception');
      await call.run(500);
    }
    expect(call.outcomes()).toEqual([...Array<string>(handoffsMax).fill('handed-off'), 'limit-reached']);
    expect(call.agent).toBe('reception');
    await hangsUp(call);
  });

  test.each([0, 20, 300, 510, 530, 545, 600])(
    'a caller who hangs up %i ms after it leaves nothing',
    async (afterMs) => {
      const call = await new HandingCall({ form }).spoken();
      await call.handsOff(await call.speak(500));
      await call.run(afterMs);
      call.caller.bye();
      await call.expectClean();
      expect(call.handoffs).toHaveLength(1);
    },
  );

  test('that the agent calls off by hanging up ends the call', async () => {
    const call = await new HandingCall({ form }).spoken();
    const responseId = await call.speak(500);
    callsFunction(call, { responseId, name: 'hand_off', callId: 'call_off', argumentsText: '{"agent":"billing"}' });
    callsFunction(call, { responseId, name: 'hang_up', callId: 'call_hang' });
    call.ends(responseId);
    await call.run(1_500);
    expect(call.last('ended')?.event.reason.kind).toBe('agent-hung-up');
    expect(call.outcomes()).toEqual(['called-off']);
    await call.expectClean();
  });

  test('survives the loss of the session that is left', async () => {
    const call = await new HandingCall({ form }).spoken();
    await call.handsOff(await call.speak(500));
    call.peers[0]?.close(1_006, '');
    await call.run(1_500);
    expect([call.outcomes(), call.agent]).toEqual([['handed-off'], 'billing']);
    expect(call.last('ended')).toBeUndefined();
    await hangsUp(call);
  });

  test('takes the idle rule of the other agent', async () => {
    const idle = {
      afterMs: 6_000,
      checkInsMax: 1,
      then: 'hang_up',
      by: 'bridge',
      checkIn: 'Ask.',
      goodbye: undefined,
    } as const;
    const call = await new HandingCall({ form, billing: { idle } }).handedOff();
    call.ends(await call.speak(100));
    await call.run(7_000);
    expect(call.last('idle-timeout')?.event).toMatchObject({ decision: 'check-in' });
    await hangsUp(call);
  });

  test('ends the idle rule of the agent who leaves', async () => {
    const idle = {
      afterMs: 6_000,
      checkInsMax: 1,
      then: 'hang_up',
      by: 'bridge',
      checkIn: 'Ask.',
      goodbye: undefined,
    } as const;
    const call = await new HandingCall({ form, idle }).handedOff();
    call.ends(await call.speak(100));
    await call.run(9_000);
    expect(call.last('idle-timeout')).toBeUndefined();
    await hangsUp(call);
  });

  test('that begins while the caller is asked whether they are there is a hand-over like any other', async () => {
    const idle = {
      afterMs: 6_000,
      checkInsMax: 1,
      then: 'hang_up',
      by: 'bridge',
      checkIn: 'Ask.',
      goodbye: undefined,
    } as const;
    const call = await new HandingCall({ form, idle }).spoken();
    await call.run(6_500);
    expect(call.last('idle-timeout')?.event).toMatchObject({ decision: 'check-in' });
    await call.handsOff(await call.speak(300));
    await call.run(900);
    expect(call.outcomes()).toEqual(['handed-off']);
    await hangsUp(call);
  });

  test('takes the turns of the other agent: its key opens a turn', async () => {
    const billing = { agent: { turn_detection: { type: 'none' } }, turns: { kind: 'push-to-talk', key: '*' } as const };
    const call = await new HandingCall({ form, billing }).handedOff();
    call.phone.press('*');
    await call.run(200);
    expect(call.last('push-to-talk')?.event).toMatchObject({ pressed: true });
    call.phone.press('*');
    await call.run(200);
    await hangsUp(call);
  });

  test('in the middle of a turn by the key goes on with that turn', async () => {
    const push = { agent: { turn_detection: { type: 'none' } }, turns: { kind: 'push-to-talk', key: '*' } as const };
    const call = await new HandingCall({ form, ...push, billing: push }).spoken();
    await call.handsOff(await call.speak(2_000));
    call.phone.press('*');
    await call.run(400);
    expect(call.outcomes()).toEqual(['handed-off']);
    call.phone.press('*');
    await call.run(300);
    expect(call.sent('input_audio_buffer.commit').map(({ session }) => session)).toEqual([call.nextSession]);
    await hangsUp(call);
  });
});

const card = {
  name: 'card',
  description: undefined,
  whileWaiting: undefined,
  kind: 'builtin',
  builtIn: 'collect_digits',
} as const;

describe('a new session', () => {
  test('hears a turn that goes on from its beginning, and the old one hears no more of it', async () => {
    const call = await new HandingCall({ form: 'new' }).spoken();
    await call.handsOff(await call.speak(3_000));
    call.phone.say(voice(2_000));
    await call.run(300);
    const heardBefore = call.heardMs(0);
    callerStartsToSpeak(call);
    await call.run(700);
    expect(call.agent).toBe('billing');
    // 300 ms had gone before anybody noticed; a second more is kept.
    expect(call.heardMs(1)).toBeGreaterThanOrEqual(900);
    expect(call.heardMs(0)).toBeLessThanOrEqual(heardBefore + 40);
    await hangsUp(call);
  });

  test('that is refused leaves the agent on the line, who is told, and hears what the caller said meanwhile', async () => {
    const call = await new HandingCall({
      form: 'new',
      onConnect: (peer, count) => {
        if (count > 0) peer.close(3_000, 'invalid_request_error.invalid_api_key');
        return count > 0 ? 'silent' : undefined;
      },
    }).spoken();
    await call.handsOff(await call.speak(300));
    await call.run(1_000);
    expect([call.outcomes(), call.agent]).toEqual([['model-unavailable'], 'reception']);
    expect(call.given(0).at(-1)).toContain('"handed_off":false');
    expect(call.asked(0)).toBe(1);
    await hangsUp(call);
  });

  test('that does not answer is given up in time, and nobody waits in silence', async () => {
    const call = await new HandingCall({
      form: 'new',
      onConnect: (_peer, count) => (count > 0 ? 'silent' : undefined),
    }).spoken();
    await call.handsOff(await call.speak(300));
    const before = call.heardMs(0);
    await call.run(2_900);
    expect(call.outcomes()).toEqual([]);
    await call.run(200);
    expect(call.outcomes()).toEqual(['model-unavailable']);
    await call.run(200);
    // What was said in between has come to the agent who stays.
    expect(call.heardMs(0) - before).toBeGreaterThanOrEqual(3_000);
    await hangsUp(call);
  });

  test('that is lost before its agent speaks leaves the call with the one before', async () => {
    const call = await new HandingCall({ form: 'new' }).spoken();
    await call.handsOff(await call.speak(600));
    await call.run(200);
    call.peers[1]?.close(1_011, '');
    await call.run(900);
    expect([call.outcomes(), call.agent]).toEqual([['model-unavailable'], 'reception']);
    await hangsUp(call);
  });

  test('is not had, and the old one is lost: an apology, and the call ends', async () => {
    const call = await new HandingCall({
      form: 'new',
      onConnect: (_peer, count) => (count > 0 ? 'silent' : undefined),
    }).spoken();
    await call.handsOff(await call.speak(300));
    call.peers[0]?.close(1_006, '');
    await call.run(6_000);
    expect(call.last('ended')?.event.reason.kind).toBe('model-lost');
    await call.expectClean();
  });

  test('is closed when another one takes its place: one connection at a time', async () => {
    const call = await new HandingCall({ form: 'new' }).handedOff();
    expect(call.openConnections).toBe(1);
    await hangsUp(call);
  });

  /** The caller has spoken while another session was awaited, which is there now; the old one still cancels its answer. */
  async function leftInAnAnswer(): Promise<HandingCall> {
    const call = await new HandingCall({
      form: 'new',
      services: {
        prices: {
          models: new Map([
            ['left', prices(1)],
            ['taken', prices(100)],
          ]),
          transcription: new Map(),
        },
        modelFor: ({ name }) => ({ kind: 'api', name: name === 'billing' ? 'taken' : 'left' }),
      },
    }).spoken();
    const say = call.say.bind(call);
    let held: (() => void) | undefined;
    call.say = (event, peer) => {
      if (event.type === 'session.updated' && peer === call.peers[1]) held ??= () => say(event, peer);
      else say(event, peer);
    };
    await call.handsOff(await call.speak(100));
    await call.run(400);
    startResponse(call, { itemId: 'item_late', responseId: 'resp_late' });
    await call.run(20);
    expect(call.sent('response.cancel').map(({ session }) => session)).toEqual([0]);
    held?.();
    await call.run(40);
    expect([call.agent, call.openConnections]).toEqual(['billing', 2]);
    return call;
  }

  test('takes its place while an answer is cancelled: what that cost is counted, by the model that made it', async () => {
    const call = await leftInAnAnswer();
    const before = call.events.at(-1)?.snapshot;
    call.say = (event) => HandingCall.prototype.say.call(call, event, call.peers[0]);
    doneResponse(call, { responseId: 'resp_late', status: 'cancelled' });
    await call.run(40);
    expect(call.openConnections).toBe(1);
    call.caller.bye();
    await call.run(retireMs);
    const after = call.last('ended')?.snapshot;
    expect((after?.tokens.outputTokens ?? 0) - (before?.tokens.outputTokens ?? 0)).toBe(20);
    expect((after?.cost?.usd ?? 0) - (before?.cost?.usd ?? 0)).toBeCloseTo(20 / 1_000_000, 9);
    await call.expectClean();
  });

  test('takes its place while an answer is cancelled that never ends: the old one is closed all the same', async () => {
    const call = await leftInAnAnswer();
    await call.run(1_900);
    expect(call.openConnections).toBe(2);
    await call.run(200);
    expect(call.openConnections).toBe(1);
    expect(call.last('ended')).toBeUndefined();
    await hangsUp(call);
  });

  test('takes its place while an answer is cancelled, and the call ends: each still tells what it cost', async () => {
    const call = await leftInAnAnswer();
    const before = call.events.at(-1)?.snapshot;
    const from = (peer: number) => (event: Record<string, unknown>) =>
      HandingCall.prototype.say.call(call, event, call.peers[peer]);
    call.say = from(1);
    startResponse(call, { itemId: 'item_next', responseId: 'resp_next' });
    await call.run(20);
    call.caller.bye();
    await call.run(20);
    expect(call.sent('response.cancel').map(({ session }) => session)).toEqual([0, 1]);
    doneResponse(call, { responseId: 'resp_next', status: 'cancelled' });
    await call.run(20);
    expect(call.last('ended')).toBeUndefined();
    call.say = from(0);
    doneResponse(call, { responseId: 'resp_late', status: 'cancelled' });
    await call.run(20);
    expect(call.openConnections).toBe(0);
    const after = call.last('ended')?.snapshot;
    expect((after?.tokens.outputTokens ?? 0) - (before?.tokens.outputTokens ?? 0)).toBe(40);
    expect((after?.cost?.usd ?? 0) - (before?.cost?.usd ?? 0)).toBeCloseTo((20 * 1 + 20 * 100) / 1_000_000, 9);
    await call.expectClean();
  });

  test('of another format is heard at its own rate', async () => {
    const call = await new HandingCall({ form: 'same', billing: { agent: { audio_format: 'pcmu' } } }).handedOff();
    expect(call.handoffs).toMatchObject([{ session: 'new', why: 'audio-format' }]);
    startResponse(call, { itemId: 'item_law', responseId: 'resp_law' });
    const atMs = call.clock.now();
    const delta = Buffer.alloc(8 * 200, 0x80).toString('base64');
    call.say({ type: 'response.output_audio.delta', ...part('item_law', 'resp_law'), delta });
    call.say({ type: 'response.output_audio.done', ...part('item_law', 'resp_law') });
    await call.run(500);
    const loud = call.phone.heard.filter((frame) => frame.atMs >= atMs && frame.samples.some((one) => one !== 0));
    expect(loud.length).toBeGreaterThanOrEqual(10);
    expect(loud.length).toBeLessThanOrEqual(12);
    await hangsUp(call);
  });

  test('is not opened for a voice that may still change: the model has not spoken', async () => {
    const call = await new HandingCall({ form: 'new' }).answered();
    await call.handsOff(await call.speak(0));
    await call.run(300);
    expect(call.handoffs).toMatchObject([{ outcome: 'handed-off', session: 'same', why: null }]);
    const { audio } = call.sent('session.update').at(-1)?.event.session as { audio: { output: { voice: string } } };
    expect(audio.output.voice).toBe('cedar');
    await hangsUp(call);
  });

  /** Until the first session was asked for the other agent; it gives no answer by itself. */
  async function askedForBilling(): Promise<{ call: HandingCall; eventId: unknown }> {
    const call = await new HandingCall({ form: 'same' }).spoken();
    const say = call.say.bind(call);
    const [first] = call.peers;
    call.say = (event, peer) => {
      if (event.type !== 'session.updated' || peer !== first) say(event, peer);
    };
    await call.handsOff(await call.speak(100));
    await call.run(400);
    const updates = call.sent('session.update');
    expect(updates).toHaveLength(2);
    expect(call.outcomes()).toEqual([]);
    return { call, eventId: updates[1]?.event.event_id };
  }

  test('is opened after all when the server refuses the other agent', async () => {
    const { call, eventId } = await askedForBilling();
    const error = { type: 'invalid_request_error', code: 'invalid_value', message: 'no', param: null };
    call.say({ type: 'error', error: { ...error, event_id: eventId } });
    await call.run(500);
    expect(call.handoffs).toMatchObject([{ outcome: 'handed-off', session: 'new', why: 'refused' }]);
    expect([call.agent, call.openConnections, call.asked(1)]).toEqual(['billing', 1, 1]);
    await hangsUp(call);
  });

  test('is opened after all when the old one is lost before it has answered', async () => {
    const { call } = await askedForBilling();
    call.peers[0]?.close(1_011, '');
    await call.run(1_000);
    expect(call.handoffs).toMatchObject([{ outcome: 'handed-off', session: 'new', why: 'session-lost' }]);
    expect([call.agent, call.openConnections]).toEqual(['billing', 1]);
    await hangsUp(call);
  });

  test('is opened after all when the old one never answers', async () => {
    const { call } = await askedForBilling();
    await call.run(4_000);
    // What is never agreed to counts as refused.
    expect(call.handoffs).toMatchObject([{ outcome: 'handed-off', session: 'new', why: 'refused' }]);
    await hangsUp(call);
  });
});

test('an agent that has no such colleague is told so', async () => {
  const call = await new HandingCall({ form: 'same' }).spoken();
  await call.handsOff(await call.speak(100), 'nobody');
  await call.run(400);
  expect(call.handoffs).toEqual([]);
  const ran = call.events.flatMap(({ event }) => (event.kind === 'function-call' ? [event.failure] : []));
  expect(ran).toEqual(['bad-arguments']);
  await hangsUp(call);
});
