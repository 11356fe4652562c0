import { decodeG711 } from '../../src/audio/g711';
import type { CallSnapshot } from '../../src/call/call-observer';
import type { MediaLeg } from '../../src/media/media-leg';
import { MemoryCaller } from '../../src/signalling/memory-caller';
import { pcmuOffer } from '../support/virtual-call';
import { plainBuiltIn } from '../../src/tools/agent-tool';
import { defaultDigitRules } from '../../src/tools/digit-rules';
import { callsFunction, doneResponse, startResponse } from './model-lines';
import {
  agentHz,
  boss,
  callerHz,
  heardBy,
  humanHz,
  SupervisedCall,
  supervisorHz,
  tone,
  voicesIn,
} from './supervised-call';
import { destination } from './transferring-call';

async function up(...given: ConstructorParameters<typeof SupervisedCall>): Promise<SupervisedCall> {
  return new SupervisedCall(...given).answered();
}

describe('a supervisor who listens', () => {
  test('hears both, and is heard by nobody', async () => {
    const call = await (await up()).supervised('listen');
    expect(call.callee.invite).toMatchObject({ uri: 'sip:boss@192.0.2.7', timeoutMs: 25_000 });
    const from = call.clock.now();
    await call.allSpeak(1_000);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual(['agent', 'caller']);
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['agent']);
    expect(voicesIn(call.heardByModel(from), 24_000)).toEqual(['caller']);
    expect(call.whispers()).toEqual([]);
    call.caller.bye();
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    expect(call.supervisions).toMatchObject([
      { destination: 'boss', outcome: 'answered', endedBy: 'call', modes: [{ mode: 'listen' }] },
    ]);
    const [{ answeredAtMs, endedAtMs, modes }] = call.supervisions as [(typeof call.supervisions)[0]];
    expect(modes[0]).toEqual({ mode: 'listen', fromMs: answeredAtMs, toMs: endedAtMs });
    await call.expectClean();
  });

  test.each(['a call without a supervisor', 'a supervisor who hangs up in between'])(
    'changes no sample of what caller and model hear: the same as %s',
    async (other) => {
      const heardIn = async (isSupervised: boolean, isLeft: boolean) => {
        const call = await up();
        if (isSupervised) expect(call.begin('listen')).toEqual({ kind: 'done' });
        await call.run(40);
        if (isSupervised) call.callee.answer(pcmuOffer);
        await call.run(40);
        if (isSupervised) call.supervisor.say(tone(supervisorHz, 2_000));
        call.agentSays(1_500);
        call.phone.say(tone(callerHz, 1_700));
        await call.run(800);
        if (isSupervised && isLeft) call.callee.bye();
        call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 900, item_id: 'item_c' });
        await call.run(400);
        call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 1_300, item_id: 'item_c' });
        await call.run(1_000);
        const model = call.received.map(({ atMs, event }) => ({ atMs, ...event, event_id: undefined }));
        const heard = call.phone.heard.map(({ atMs, samples }) => ({ atMs, samples: [...samples] }));
        const told = call.kinds().filter((kind) => kind !== 'supervision');
        call.caller.bye();
        await call.expectClean();
        return { model, heard, told };
      };
      const withOne = await heardIn(true, other !== 'a call without a supervisor');
      const without = await heardIn(false, false);
      expect(withOne.told).toContain('barge-in');
      expect(withOne.heard.some(({ samples }) => samples.some((sample) => sample > 1_000))).toBe(true);
      expect(withOne).toEqual(without);
    },
  );

  test('may hang up, and the call goes on undisturbed', async () => {
    const call = await (await up()).supervised('listen');
    call.callee.bye();
    await call.run(1_000);
    expect(call.ended()).toBeUndefined();
    expect(call.conversation.isTalking).toBe(true);
    expect(call.supervisions).toMatchObject([{ outcome: 'answered', endedBy: 'supervisor' }]);
    expect((await call.supervised('listen')).supervisions).toHaveLength(2);
    call.caller.bye();
    await call.expectClean();
  });

  test('is sent away, and the call goes on', async () => {
    const call = await (await up()).supervised('listen');
    expect(call.stop()).toEqual({ kind: 'done' });
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    expect(call.supervisions).toMatchObject([{ endedBy: 'request' }]);
    expect(call.stop()).toEqual({ kind: 'refused', why: 'not-supervised' });
    await call.run(500);
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test('hears the person whom the caller was put through to', async () => {
    const call = await (await up()).supervised('listen');
    await call.askForTransfer('sales');
    await call.run(300);
    call.callee.answer(pcmuOffer);
    await call.run(40);
    const from = call.clock.now();
    call.calleePhone('sales').say(tone(humanHz, 1_000));
    call.phone.say(tone(callerHz, 1_000));
    await call.run(1_000);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual(['caller', 'human']);
    call.caller.bye();
    await call.expectClean();
  });

  test('hears nothing of what the caller keys in secret, as sound or as key', async () => {
    const pin = {
      ...plainBuiltIn('collect_digits'),
      name: 'pin',
      digits: { ...defaultDigitRules, keysMax: 4, secure: true },
    };
    const call = await (await up([], { tools: [pin] })).supervised('listen');
    startResponse(call, { itemId: 'item_p', responseId: 'resp_p' });
    callsFunction(call, { responseId: 'resp_p', callId: 'call_p', name: 'pin', argumentsText: '{}' });
    doneResponse(call, { responseId: 'resp_p' });
    await call.run(100);
    const from = call.clock.now();
    call.phone.say(tone(callerHz, 1_400));
    for (const key of '8642') {
      call.phone.press(key as '8');
      await call.run(300);
    }
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual([]);
    expect(call.supervisor.keys).toEqual([]);
    // Taking over would make the secret the supervisor's: it waits until the last tone has passed.
    expect(call.change('take-over')).toEqual({ kind: 'waiting' });
    expect(call.supervisions[0]?.modes).toHaveLength(1);
    await call.run(500);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['listen', 'take-over']);
    const later = call.clock.now();
    call.phone.say(tone(callerHz, 500));
    await call.run(500);
    expect(voicesIn(heardBy(call.supervisor, later))).toEqual(['caller']);
    call.caller.bye();
    await call.expectClean();
  });

  test('who takes over while a secret is keyed in hears nothing before it is complete', async () => {
    const pin = {
      ...plainBuiltIn('collect_digits'),
      name: 'pin',
      digits: { ...defaultDigitRules, keysMax: 4, secure: true },
    };
    const call = await up([], { tools: [pin] });
    startResponse(call, { itemId: 'item_p', responseId: 'resp_p' });
    callsFunction(call, { responseId: 'resp_p', callId: 'call_p', name: 'pin', argumentsText: '{}' });
    doneResponse(call, { responseId: 'resp_p' });
    await call.run(100);
    await call.supervised('take-over');
    const from = call.clock.now();
    call.phone.say(tone(callerHz, 1_000));
    for (const key of '864') call.phone.press(key as '8');
    await call.run(1_000);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['listen']);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual([]);
    expect(call.openConnections).toBe(1);
    call.phone.press('2');
    await call.run(500);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['listen', 'take-over']);
    call.caller.bye();
    await call.expectClean();
  });
});

describe('a supervisor who whispers', () => {
  test('tells the agent alone, as speech under a text that says whose it is, and is answered to the caller', async () => {
    const call = await (await up()).supervised('whisper');
    const from = call.clock.now();
    call.supervisor.say(tone(supervisorHz, 1_000));
    await call.run(2_500);
    const [whisper] = call.whispers();
    expect(whisper?.text).toMatch(/^\(Your supervisor speaks to you; the caller does not hear it/);
    expect(voicesIn(whisper?.samples ?? new Int16Array(), 24_000)).toEqual(['supervisor']);
    expect((whisper?.samples.length ?? 0) / 24).toBeGreaterThan(1_000);
    expect((whisper?.samples.length ?? 0) / 24).toBeLessThan(2_400);
    expect(call.sent('response.create')).toHaveLength(1);
    expect(voicesIn(heardBy(call.phone, from))).toEqual([]);
    expect(voicesIn(call.heardByModel(from), 24_000)).toEqual([]);
    expect(call.supervisions).toMatchObject([{ whispers: { told: 1, lost: 0 } }]);
    call.caller.bye();
    await call.expectClean();
  });

  test.each(['while it is being said', 'before the other agent is there'])(
    'is told whole and at the right rate to the agent who takes over, when the hand-over comes %s',
    async (when) => {
      const isEarly = when === 'while it is being said';
      const billing = { agent: { instructions: 'Know the bills.', audio_format: 'pcmu' } };
      const call = await up([], { tools: ['hand_off'], colleagues: { billing } });
      const say = call.say.bind(call);
      let configured: (() => void) | undefined;
      call.say = (event, peer) => {
        if (event.type === 'session.updated' && peer === call.peers[1] && !isEarly) configured = () => say(event, peer);
        else say(event, peer);
      };
      await call.supervised('whisper');
      call.supervisor.say(tone(supervisorHz, 1_000));
      await call.run(600);
      startResponse(call, { itemId: 'item_h', responseId: 'resp_h' });
      callsFunction(call, { responseId: 'resp_h', name: 'hand_off', argumentsText: '{"agent":"billing"}' });
      doneResponse(call, { responseId: 'resp_h' });
      await call.run(2_000);
      configured?.();
      await call.run(500);
      expect(call.events.at(-1)?.snapshot.handoffs).toMatchObject([{ outcome: 'handed-off', why: 'audio-format' }]);
      const [whisper, ...others] = call.whispers();
      expect([whisper?.session, others]).toEqual([1, []]);
      const heard = new Int16Array(whisper?.bytes.length ?? 0);
      decodeG711('pcmu', whisper?.bytes ?? Buffer.alloc(0), heard);
      expect(voicesIn(heard)).toEqual(['supervisor']);
      // A second, and the pause that ends it.
      expect(heard.length / 8).toBeGreaterThanOrEqual(1_600);
      expect(heard.length / 8).toBeLessThan(2_400);
      expect(call.supervisions).toMatchObject([{ whispers: { told: 1, lost: 0 } }]);
      call.caller.bye();
      await call.expectClean();
    },
  );

  test('does not make the agent stop, and changes nothing of the audio of caller and agent', async () => {
    const call = await (await up()).supervised('whisper');
    const from = call.clock.now();
    await call.allSpeak(1_500);
    await call.run(1_000);
    expect(call.kinds()).not.toContain('barge-in');
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['agent']);
    expect(voicesIn(call.heardByModel(from), 24_000)).toEqual(['caller']);
    expect(call.whispers()).toHaveLength(1);
    call.caller.bye();
    await call.expectClean();
  });

  test('asks for no answer of its own while the caller speaks: that of the turn takes it up', async () => {
    const call = await (await up()).supervised('whisper');
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 100, item_id: 'item_c' });
    call.supervisor.say(tone(supervisorHz, 800));
    await call.run(2_000);
    expect(call.whispers()).toHaveLength(1);
    expect(call.sent('response.create')).toHaveLength(0);
    call.caller.bye();
    await call.expectClean();
  });

  test('is told in pieces when nobody could wait for the end of it', async () => {
    const call = await (await up()).supervised('whisper');
    for (let i = 0; i < 5; i += 1) {
      call.supervisor.say(tone(supervisorHz, 3_000));
      call.supervisor.say(new Int16Array(8 * 300));
    }
    await call.run(18_000);
    expect(call.whispers().map(({ samples }) => Math.round(samples.length / 24_000))).toEqual([10, expect.any(Number)]);
    call.caller.bye();
    await call.expectClean();
  });

  test('is heard by the person whom the caller was put through to, and not by the caller', async () => {
    const call = await (await up()).supervised('whisper');
    await call.askForTransfer('sales');
    await call.run(300);
    call.callee.answer(pcmuOffer);
    await call.run(40);
    const human = call.calleePhone('sales');
    const from = call.clock.now();
    human.say(tone(humanHz, 1_000));
    call.phone.say(tone(callerHz, 1_000));
    call.supervisor.say(tone(supervisorHz, 1_000));
    await call.run(1_000);
    expect(voicesIn(heardBy(human, from))).toEqual(['caller', 'supervisor']);
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['human']);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual(['caller', 'human']);
    expect(call.change('listen')).toEqual({ kind: 'done' });
    const later = call.clock.now() + 40;
    human.say(tone(humanHz, 1_000));
    call.supervisor.say(tone(supervisorHz, 1_000));
    await call.run(1_000);
    expect(voicesIn(heardBy(human, later))).toEqual([]);
    call.caller.bye();
    await call.expectClean();
  });

  test('what was begun in whispering is told to nobody when listening goes on', async () => {
    const call = await (await up()).supervised('whisper');
    call.supervisor.say(tone(supervisorHz, 2_000));
    await call.run(1_000);
    expect(call.change('listen')).toEqual({ kind: 'done' });
    await call.run(3_000);
    expect(call.whispers()).toEqual([]);
    call.caller.bye();
    await call.expectClean();
  });

  test('may hang up, and the call goes on undisturbed', async () => {
    const call = await (await up()).supervised('whisper');
    call.supervisor.say(tone(supervisorHz, 2_000));
    await call.run(1_000);
    call.callee.bye();
    await call.run(2_000);
    expect(call.ended()).toBeUndefined();
    expect(call.whispers()).toEqual([]);
    call.caller.bye();
    await call.expectClean();
  });
});

describe('a supervisor who takes over', () => {
  test('talks to the caller in place of the agent, whose session is closed', async () => {
    const call = await (await up()).supervised('listen');
    call.agentSays(5_000);
    await call.run(500);
    expect(call.change('take-over')).toEqual({ kind: 'done' });
    await call.run(60);
    expect(call.openConnections).toBe(0);
    const from = call.clock.now();
    call.phone.say(tone(callerHz, 1_000));
    call.supervisor.say(tone(supervisorHz, 1_000));
    await call.run(1_000);
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['supervisor']);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual(['caller']);
    expect(call.change('listen')).toEqual({ kind: 'refused', why: 'taken-over' });
    expect(call.stop()).toEqual({ kind: 'refused', why: 'taken-over' });
    expect(call.ended()).toBeUndefined();
    call.callee.bye();
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'transfer-ended', destination: 'boss' });
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'bye' });
    expect(call.supervisions).toMatchObject([
      { endedBy: 'supervisor', modes: [{ mode: 'listen' }, { mode: 'take-over' }] },
    ]);
    await call.expectClean();
  });

  test('at once when answering', async () => {
    const call = await (await up()).supervised('take-over');
    expect(call.openConnections).toBe(0);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['take-over']);
    call.caller.bye();
    expect(call.callee.saw.at(-1)).toMatchObject({ kind: 'bye' });
    expect(call.supervisions).toMatchObject([{ endedBy: 'call' }]);
    await call.expectClean();
  });

  test('passes keys in both directions', async () => {
    const call = await (await up()).supervised('take-over');
    call.phone.press('5');
    call.supervisor.press('1');
    call.callee.pressByInfo('7');
    expect(call.supervisor.keys.map(({ digit }) => digit)).toEqual(['5']);
    expect(call.phone.keys.map(({ digit }) => digit)).toEqual(['1', '7']);
    call.caller.bye();
    await call.expectClean();
  });

  test('ends a transfer that is under way', async () => {
    const call = await up();
    await call.askForTransfer('sales');
    await call.run(300);
    const sales = call.callee;
    await call.supervised('take-over');
    expect(sales.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.outcomes()).toEqual(['cancelled']);
    const from = call.clock.now();
    call.supervisor.say(tone(supervisorHz, 500));
    await call.run(500);
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['supervisor']);
    call.caller.bye();
    await call.expectClean();
  });

  test('sends away the person whom the caller talks to', async () => {
    const call = await new SupervisedCall().joined('sales');
    const sales = call.callee;
    await call.supervised('take-over');
    expect(sales.saw.at(-1)).toMatchObject({ kind: 'bye' });
    const from = call.clock.now();
    call.phone.say(tone(callerHz, 500));
    call.supervisor.say(tone(supervisorHz, 500));
    await call.run(500);
    expect(voicesIn(heardBy(call.phone, from))).toEqual(['supervisor']);
    expect(voicesIn(heardBy(call.supervisor, from))).toEqual(['caller']);
    call.callee.bye();
    expect(call.ended()).toBe('transfer-ended');
    await call.expectClean();
  });

  test('may do so until the length of the call is over', async () => {
    const call = await (
      await up([], { decision: (answer) => ({ ...answer, lengthLimitMs: 120_000 }) })
    ).supervised('take-over');
    await call.run(121_000);
    expect(call.ended()).toBe('length-limit');
    await call.expectClean();
  });
});

describe('a supervisor who is called', () => {
  test.each([
    [486, 'busy'],
    [603, 'declined'],
    [480, 'no-answer'],
    [503, 'failed'],
  ])('and answers %i is noted, and the call goes on', async (status, outcome) => {
    const call = await up();
    expect(call.begin('listen')).toEqual({ kind: 'done' });
    await call.run(300);
    call.callee.reject(status);
    await call.run(300);
    expect(call.supervisions).toMatchObject([{ outcome, detail: String(status), endedBy: undefined, modes: [] }]);
    expect(call.conversation.isTalking).toBe(true);
    call.caller.bye();
    await call.expectClean();
  });

  test('and does not answer in time is cancelled', async () => {
    const call = await up();
    call.begin('listen', { ...boss, ringLimitMs: 5_000 });
    await call.run(5_100);
    expect(call.supervisions).toMatchObject([{ outcome: 'no-answer' }]);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    call.caller.bye();
    await call.expectClean();
  });

  test.each(['the caller hangs up', 'the request is taken back'])('is cancelled when %s', async (what) => {
    const call = await up();
    call.begin('listen');
    await call.run(300);
    if (what === 'the caller hangs up') call.caller.bye();
    else expect(call.stop()).toEqual({ kind: 'done' });
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
    expect(call.supervisions).toMatchObject([{ outcome: 'cancelled', endedBy: undefined }]);
    call.callee.answer(pcmuOffer);
    expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled', 'acknowledged', 'bye']);
    if (what !== 'the caller hangs up') call.caller.bye();
    await call.expectClean();
  });

  test('without a free port is noted as a failure', async () => {
    const call = await up();
    call.media.refusal = new Error('no port is free');
    call.begin('listen');
    await call.run(100);
    expect(call.supervisions).toMatchObject([{ outcome: 'failed', detail: 'no port is free' }]);
    call.caller.bye();
    await call.expectClean();
  });

  test('is answered by what was asked for last', async () => {
    const call = await up();
    call.begin('listen');
    await call.run(100);
    expect(call.change('whisper')).toEqual({ kind: 'done' });
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['whisper']);
    call.caller.bye();
    await call.expectClean();
  });

  test('changes what to do by the telephone, as far as the plan lets them', async () => {
    const call = await (await up()).supervised('listen', { ...boss, supervises: ['listen', 'whisper'] });
    for (const key of ['2', '9', '1', '3', '2'] as const) call.supervisor.press(key);
    expect(call.supervisions[0]?.modes.map(({ mode }) => mode)).toEqual(['listen', 'whisper', 'listen', 'whisper']);
    expect(call.change('take-over')).toEqual({ kind: 'refused', why: 'mode-not-allowed' });
    call.caller.bye();
    await call.expectClean();
  });
});

describe('caller and destination who talk past us', () => {
  /** What the caller's media was asked for. */
  function withJoins(): { call: SupervisedCall; asked: string[] } {
    const asked: string[] = [];
    const onLeg = (leg: MediaLeg): void => {
      leg.join = () => (asked.push('join'), Promise.resolve(true));
      leg.part = () => (asked.push('part'), Promise.resolve());
    };
    return { call: new SupervisedCall(undefined, { onLeg }), asked };
  }

  test('are brought back while a supervisor listens', async () => {
    const { call, asked } = withJoins();
    await call.joined('sales');
    expect(asked).toEqual(['join']);
    await call.supervised('listen');
    expect(asked).toEqual(['join', 'part']);
    call.callee.bye();
    await call.run(20);
    expect(asked).toEqual(['join', 'part', 'join']);
    call.caller.bye();
    await call.expectClean();
  });

  test('do so only when the supervisor has left, if one was there before', async () => {
    const { call, asked } = withJoins();
    await call.answered();
    await call.supervised('whisper');
    await call.askForTransfer('sales');
    await call.run(300);
    call.callee.answer(pcmuOffer);
    await call.run(100);
    expect(asked).not.toContain('join');
    expect(call.stop()).toEqual({ kind: 'done' });
    await call.run(20);
    expect(asked.at(-1)).toBe('join');
    call.caller.bye();
    await call.expectClean();
  });

  test('are not brought together again by a take-over', async () => {
    const { call, asked } = withJoins();
    await call.joined('sales');
    await call.supervised('take-over');
    await call.run(500);
    expect(asked.filter((what) => what === 'join')).toHaveLength(1);
    expect(call.ended()).toBeUndefined();
    call.callee.bye();
    expect(call.ended()).toBe('transfer-ended');
    await call.expectClean();
  });
});

describe('is refused', () => {
  test('for a destination that is no supervisor, and for a mode that it may not', async () => {
    const call = await up();
    expect(call.begin('listen', destination('sales'))).toEqual({ kind: 'refused', why: 'not-a-supervisor' });
    const listener = { ...boss, supervises: ['listen'] as const };
    expect(call.begin('take-over', listener)).toEqual({ kind: 'refused', why: 'mode-not-allowed' });
    expect(call.callees.called).toEqual([]);
    expect(call.supervisions).toEqual([]);
    call.caller.bye();
    await call.expectClean();
  });

  test('a call that is not there, rings, or has one already', async () => {
    const ringing = new SupervisedCall(undefined, { modelSilent: true });
    expect(ringing.calls.supervise('nothing', { kind: 'end' })).toEqual({ kind: 'refused', why: 'no-such-call' });
    ringing.ring();
    await ringing.run(1_000);
    const { callId } = ringing.calls.snapshots()[0]!;
    const order = { kind: 'begin', destination: boss, mode: 'listen' } as const;
    expect(ringing.calls.supervise(callId, order)).toEqual({ kind: 'refused', why: 'call-not-up' });
    await ringing.run(3_000);
    const call = await up();
    expect(call.begin('listen')).toEqual({ kind: 'done' });
    expect(call.begin('listen')).toEqual({ kind: 'refused', why: 'supervised-already' });
    call.caller.bye();
    await call.expectClean();
    expect(call.begin('listen')).toEqual({ kind: 'refused', why: 'no-such-call' });
  });

  test('beyond the number of calls that may be supervised', async () => {
    const call = await up(undefined, { supervisionsMax: 1 });
    const other = new MemoryCaller({ clock: call.clock, offer: pcmuOffer });
    call.calls.accept(other.leg);
    await call.run(200);
    const [, { callId }] = call.calls.snapshots() as [CallSnapshot, CallSnapshot];
    const order = { kind: 'begin', destination: boss, mode: 'listen' } as const;
    expect(call.begin('listen')).toEqual({ kind: 'done' });
    expect(call.calls.supervise(callId, order)).toEqual({ kind: 'refused', why: 'too-many' });
    call.stop();
    expect(call.calls.supervise(callId, order)).toEqual({ kind: 'done' });
    other.bye();
    call.caller.bye();
    await call.run(1_000);
    expect({ calls: call.calls.active, legs: call.openLegs.size }).toEqual({ calls: 0, legs: 0 });
  });

  test('beyond the limits of the destination', async () => {
    const call = await up();
    const limits = { callsMax: undefined, callsPerMinuteMax: 1 };
    call.begin('listen', { ...boss, limits });
    call.stop();
    call.begin('listen', { ...boss, limits });
    expect(call.supervisions.map(({ outcome }) => outcome)).toEqual(['cancelled', 'refused']);
    call.caller.bye();
    await call.expectClean();
  });
});

test('the tones of this suite are apart', () => {
  expect(voicesIn(tone(agentHz, 500))).toEqual(['agent']);
});
