import { blameFor } from '../../src/call/end-reason';
import { parseScenario } from '../../src/simulator/scenario-file';
import { scenario } from '../../src/simulator/scenario';
import type { Behaviour } from '../../src/simulator/behaviour';
import { pcmuOffer, promptLevels, VirtualCall } from '../support/virtual-call';
import { callsFunction, doneResponse, modelSays, part, pcm, startResponse } from './model-lines';

const speech = (ms: number, level = 6_000): Int16Array =>
  Int16Array.from({ length: ms * 8 }, (_, i) => level * Math.sin(i * 0.9) * Math.sin(i * 0.011));

function behaves(turns: unknown[]): Behaviour {
  const parsed = parseScenario(JSON.stringify({ turns }), { folders: [] });
  if (parsed.kind !== 'scenario') throw new Error(parsed.reason);
  return scenario('scenario:test', parsed.scenario);
}

const saw = (call: VirtualCall): string[] => call.caller.saw.map((what) => what.kind);
const endKind = (call: VirtualCall): string | undefined => call.last('ended')?.event.reason.kind;

async function ended(call: VirtualCall): Promise<void> {
  await call.run(10_000);
  expect(call.calls.active).toBe(0);
  expect(call.clock.pendingTimers).toBe(0);
  expect(call.events.filter(({ event }) => event.kind === 'ended')).toHaveLength(1);
}

describe('a call that is answered', () => {
  test('rings, waits for the model, and only then answers', async () => {
    const call = await new VirtualCall().answered();
    expect(saw(call)).toEqual(['ringing', 'answered']);
    expect(call.kinds()).toEqual(['model-ready', 'state', 'state']);
    call.caller.bye();
    await ended(call);
    expect(endKind(call)).toBe('caller-hung-up');
  });

  test('asks for the greeting once the caller can hear it', async () => {
    const call = await new VirtualCall({ agent: { greeting: 'Good day.' } }).answered();
    const [create] = call.sent('response.create');
    expect(JSON.stringify(create?.event)).toContain('Good day.');
    call.caller.bye();
    await ended(call);
  });

  test('says nothing first without a greeting', async () => {
    const call = await new VirtualCall().answered();
    expect(call.sent('response.create')).toEqual([]);
    call.caller.bye();
    await ended(call);
  });

  test("appends every 20 ms of the caller, and nothing after the call's end", async () => {
    const call = await new VirtualCall().answered();
    const before = call.sent('input_audio_buffer.append').length;
    await call.run(1_000);
    expect(call.sent('input_audio_buffer.append').length - before).toBe(50);
    const [append] = call.sent('input_audio_buffer.append');
    expect(Buffer.from(String(append?.event.audio), 'base64')).toHaveLength(960);
    call.caller.bye();
    await ended(call);
    expect(call.sent('input_audio_buffer.append').every(({ atMs }) => atMs <= 1_200)).toBe(true);
  });

  test("plays the model's audio whole, however fast it came", async () => {
    const call = await new VirtualCall().answered();
    modelSays(call, { ms: 1_000 });
    await call.run(2_000);
    const loud = call.phone.heard.filter(({ samples }) => samples.some((sample) => sample > 900));
    expect(loud.length).toBeGreaterThanOrEqual(49);
    expect(loud.length).toBeLessThanOrEqual(51);
    expect(call.last('agent-audio-started')?.event.itemId).toBe('item_1');
    call.caller.bye();
    await ended(call);
  });

  test('answers a late offer in two steps: our offer in the 200, their answer in the ACK', async () => {
    const call = await new VirtualCall({
      lateOffer: true,
      caller: { answerTo: () => pcmuOffer },
      agent: { greeting: 'Hi.' },
    }).answered();
    expect(saw(call)).toEqual(['ringing', 'answered']);
    expect(call.sent('response.create')).toHaveLength(1);
    call.caller.bye();
    await ended(call);
  });

  test('hangs up when the ACK of a late offer has no answer', async () => {
    const call = await new VirtualCall({ lateOffer: true, caller: { answerTo: () => undefined } }).answered();
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
    await ended(call);
    expect(endKind(call)).toBe('bad-offer');
  });

  test('counts the tokens of every response', async () => {
    const call = await new VirtualCall().answered();
    modelSays(call, { itemId: 'a', responseId: 'resp_a' });
    modelSays(call, { itemId: 'b', responseId: 'resp_b' });
    await call.run(100);
    call.caller.bye();
    await ended(call);
    expect(call.last('ended')?.snapshot.tokens).toMatchObject({
      inputTokens: 20,
      outputTokens: 40,
      outputAudioTokens: 30,
    });
  });

  test('a key is told whether it came by RTP or by INFO', async () => {
    const call = await new VirtualCall().answered();
    call.phone.press('5');
    call.caller.pressByInfo('#');
    expect(call.events.filter(({ event }) => event.kind === 'digit').map(({ event }) => event)).toEqual([
      { kind: 'digit', digit: '5' },
      { kind: 'digit', digit: '#' },
    ]);
    call.caller.bye();
    await ended(call);
  });
});

describe('a call that is not answered', () => {
  test('gets 404 when no route matches', async () => {
    const call = new VirtualCall({ decision: (answer) => ({ ...answer, kind: 'no-route' }) });
    call.ring();
    await ended(call);
    expect(call.caller.saw).toMatchObject([{ kind: 'rejected', status: 404 }]);
  });

  test("gets the plan's status when the plan rejects it", async () => {
    const call = new VirtualCall({ decision: (answer) => ({ ...answer, kind: 'reject', status: 603 }) });
    call.ring();
    await ended(call);
    expect(call.caller.saw).toMatchObject([{ kind: 'rejected', status: 603 }]);
  });

  test('gets 488 for media that we cannot do, and the model is not bothered', async () => {
    const call = new VirtualCall({ caller: { offer: pcmuOffer.replace('AVP 0 101', 'AVP 18') } });
    call.ring();
    await ended(call);
    expect(saw(call)).toEqual(['ringing', 'rejected']);
    expect(call.caller.saw).toContainEqual(expect.objectContaining({ status: 488 }));
    expect(call.peer).toBeUndefined();
  });

  test('gets 400 for an offer that is no SDP', async () => {
    const call = new VirtualCall({ caller: { offer: 'hello' } });
    call.ring();
    await ended(call);
    expect(call.caller.saw).toContainEqual(expect.objectContaining({ kind: 'rejected', status: 400 }));
  });

  test("gets the route's status when the model is not ready in 3 s", async () => {
    const call = new VirtualCall({
      modelSilent: true,
      decision: (answer) => ({ ...answer, unavailable: { reject: 486 } }),
    });
    call.ring();
    await call.run(2_999);
    expect(saw(call)).toEqual(['ringing']);
    await call.run(1);
    expect(call.caller.saw).toContainEqual(expect.objectContaining({ kind: 'rejected', status: 486, atMs: 3_000 }));
    await ended(call);
    expect(endKind(call)).toBe('model-unavailable');
  });

  test('is told at once when the model refuses the session after the 101', async () => {
    const call = new VirtualCall({ modelSilent: true });
    call.ring();
    await call.run(10);
    call.say({
      type: 'error',
      error: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'no', param: null, event_id: null },
    });
    call.peer?.close(3_000, 'invalid_request_error.invalid_api_key');
    await call.run(10);
    expect(call.caller.saw).toContainEqual(expect.objectContaining({ kind: 'rejected', status: 480 }));
    await ended(call);
    expect(call.last('ended')?.event.blame).toBe('upstream');
  });

  test('gets 503 with Retry-After when no port is free', async () => {
    const call = new VirtualCall();
    call.media.refusal = new Error('no even port free');
    call.ring();
    await ended(call);
    const rejection = call.caller.saw.find((what) => what.kind === 'rejected');
    expect(rejection).toMatchObject({ status: 503, headers: { 'Retry-After': expect.any(String) } });
  });

  test('gets 503 when as many calls are up as may be', async () => {
    const call = new VirtualCall({ callsMax: 0 });
    call.ring();
    await ended(call);
    expect(call.caller.saw).toMatchObject([{ kind: 'rejected', status: 503 }]);
  });

  test('gets 503 while the bridge drains', async () => {
    const call = new VirtualCall();
    await call.calls.drain({ limitMs: 1_000 });
    call.ring();
    await ended(call);
    expect(call.caller.saw).toMatchObject([{ kind: 'rejected', status: 503 }]);
  });

  test('needs no answer when the caller cancels while the model connects', async () => {
    const call = new VirtualCall({ modelSilent: true });
    call.ring();
    await call.run(500);
    call.caller.cancel();
    await ended(call);
    expect(saw(call)).toEqual(['ringing']);
    expect(endKind(call)).toBe('caller-hung-up');
  });

  test('is over when the ACK never comes and the server says so', async () => {
    const call = new VirtualCall({ caller: { ackDelayMs: 'never' } });
    await call.answered();
    call.caller.lose('ACK timeout');
    await ended(call);
    expect(call.last('ended')?.event).toMatchObject({
      reason: { kind: 'caller-hung-up', how: { kind: 'lost' } },
      blame: 'caller',
    });
  });
});

describe('barge-in', () => {
  async function speaking(ms = 4_000): Promise<VirtualCall> {
    const call = await new VirtualCall().answered();
    modelSays(call, { ms });
    await call.run(1_000);
    return call;
  }

  test('stops the agent within one frame and truncates at what was heard', async () => {
    const call = await speaking();
    const heardFrames = call.phone.heard.filter(({ samples }) => samples.some((sample) => sample > 900)).length;
    const atMs = call.clock.now();
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: 'item_user' });
    await call.run(100);
    expect(call.heardSince(atMs + 21)).toBeLessThan(10);
    const [truncate] = call.sent('conversation.item.truncate');
    const audioEndMs = Number(truncate?.event.audio_end_ms);
    expect(truncate?.event).toMatchObject({ item_id: 'item_1', content_index: 0 });
    expect(Math.abs(audioEndMs - heardFrames * 20)).toBeLessThanOrEqual(20);
    expect(call.last('barge-in')?.event.audioEndMs).toBe(audioEndMs);
    call.caller.bye();
    await ended(call);
    expect(call.last('ended')?.snapshot.interruptions).toBe(1);
  });

  test('deletes an item of which nothing was heard', async () => {
    const call = await speaking(1_500);
    modelSays(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(100);
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: 'item_user' });
    await call.run(100);
    expect(call.sent('conversation.item.truncate').map(({ event }) => event.item_id)).toEqual(['item_1']);
    expect(call.sent('conversation.item.delete').map(({ event }) => event.item_id)).toEqual(['item_2']);
    call.caller.bye();
    await ended(call);
  });

  test('leaves an item alone that was heard whole', async () => {
    const call = await speaking(500);
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: 'item_user' });
    await call.run(100);
    expect(call.sent('conversation.item.truncate')).toEqual([]);
    expect(call.sent('conversation.item.delete')).toEqual([]);
    expect(call.kinds()).not.toContain('barge-in');
    call.caller.bye();
    await ended(call);
  });

  test('is left to the model when the agent says interrupt_response: false', async () => {
    const call = await new VirtualCall({
      agent: { turn_detection: { type: 'server_vad', interrupt_response: false } },
    }).answered();
    modelSays(call, { ms: 2_000 });
    await call.run(500);
    const atMs = call.clock.now();
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: 'item_user' });
    await call.run(200);
    expect(call.heardSince(atMs + 100)).toBeGreaterThan(900);
    expect(call.sent('conversation.item.truncate')).toEqual([]);
    call.caller.bye();
    await ended(call);
  });

  test('works on speech: the simulator hears the caller over its own answer', async () => {
    const call = await new VirtualCall({
      behaviour: behaves([
        { say: 'A long answer.', audio: 'speech:10s' },
        { say: 'Yes?', audio: 'speech:1s' },
      ]),
      agent: { greeting: 'Hello.' },
    }).answered();
    await call.run(3_000);
    call.phone.say(speech(1_000));
    await call.run(5_000);
    expect(call.kinds()).toContain('barge-in');
    const [truncate] = call.sent('conversation.item.truncate');
    expect(Number(truncate?.event.audio_end_ms)).toBeGreaterThan(2_000);
    expect(Number(truncate?.event.audio_end_ms)).toBeLessThan(4_500);
    expect(call.kinds()).not.toContain('model-error');
    call.caller.bye();
    await ended(call);
  });
});

describe('hanging up by the agent', () => {
  async function sayingGoodbye(): Promise<VirtualCall> {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta: pcm(1_000) });
    call.say({ type: 'response.output_audio.done', ...part('item_1', 'resp_1') });
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    return call;
  }

  test('waits until the goodbye was heard', async () => {
    const call = await sayingGoodbye();
    await call.run(950);
    expect(saw(call)).not.toContain('bye');
    await call.run(1_000);
    const bye = call.caller.saw.find((what) => what.kind === 'bye');
    const lastWordMs = call.phone.heard.findLast(({ samples }) => samples.some((sample) => sample > 900))?.atMs ?? 0;
    expect(bye?.atMs).toBeGreaterThanOrEqual(lastWordMs + 20);
    await ended(call);
    expect(endKind(call)).toBe('agent-hung-up');
    expect(call.sent('conversation.item.create')).toEqual([]);
  });

  test('is given up when the caller speaks before the end, and the model is told', async () => {
    const call = await sayingGoodbye();
    await call.run(500);
    call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: 'item_user' });
    await call.run(5_000);
    expect(saw(call)).not.toContain('bye');
    expect(JSON.stringify(call.sent('conversation.item.create'))).toContain('hung_up');
    expect(call.sent('response.create')).toEqual([]);
    call.caller.bye();
    await ended(call);
  });

  test('does not wait for ever on a leg that no longer plays', async () => {
    const call = await new VirtualCall().answered();
    await call.caller.reinvite(pcmuOffer.replace('a=sendrecv', 'a=inactive').replace('o=- 1 1', 'o=- 1 2'));
    modelSays(call, { ms: 2_000 });
    startResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    callsFunction(call, { responseId: 'resp_2' });
    doneResponse(call, { responseId: 'resp_2' });
    await call.run(20_000);
    expect(saw(call)).toContain('bye');
    await ended(call);
  });

  test('a tool that the agent was not given is refused, and the model may go on', async () => {
    const call = await new VirtualCall({ tools: [] }).answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(1_000);
    expect(JSON.stringify(call.sent('conversation.item.create'))).toContain('There is no tool named');
    expect(call.sent('response.create')).toHaveLength(1);
    expect(call.last('function-call')?.event.outcome).toBe('failed');
    call.caller.bye();
    await ended(call);
  });
});

describe('the end of a call', () => {
  test('a model that is lost mid-sentence gives way to an apology, and then to a BYE', async () => {
    const call = await new VirtualCall().answered();
    modelSays(call, { ms: 5_000 });
    await call.run(1_000);
    const atMs = call.clock.now();
    call.peer?.close(1_006, '');
    await call.run(600);
    expect(call.heardSince(atMs + 100)).toBeGreaterThan(promptLevels.apology - 50);
    await call.run(2_000);
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
    await ended(call);
    expect(endKind(call)).toBe('model-lost');
  });

  test('a session that reaches its limit ends with a recorded goodbye', async () => {
    const call = await new VirtualCall({ decision: (answer) => ({ ...answer, lengthLimitMs: 5_000 }) }).answered();
    await call.run(5_500);
    expect(call.heardSince(5_200)).toBeGreaterThan(promptLevels['session-goodbye'] - 50);
    await call.run(2_000);
    expect(saw(call)).toContain('bye');
    await ended(call);
    expect(endKind(call)).toBe('length-limit');
  });

  test('a session near its expiry warns, says goodbye and hangs up before the API would', async () => {
    const call = await new VirtualCall({
      behaviour: behaves([{ say: 'Hi.', audio: 'speech:1s' }]),
      simulator: { timing: { sessionLifeMs: 180_000 } },
    }).answered();
    await call.run(101_500);
    expect(call.heardSince(100_000)).toBeGreaterThan(promptLevels['session-warning'] - 50);
    await call.run(70_000);
    expect(saw(call)).toContain('bye');
    await ended(call);
    expect(endKind(call)).toBe('session-limit');
  });

  test('a model that floods the queue is cut off with an apology', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    for (let i = 0; i < 40; i += 1) {
      call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta: pcm(5_000) });
    }
    await call.run(3_000);
    expect(endKind(call)).toBe('model-too-fast');
    await ended(call);
  });

  test('media that fails ends the call with a BYE', async () => {
    const call = await new VirtualCall().answered();
    call.phone.fail({ kind: 'media-timeout', silentMs: 15_000 });
    await call.run(10);
    expect(saw(call)).toContain('bye');
    await ended(call);
    expect(call.last('ended')?.event.blame).toBe('caller');
  });

  test('the first reason wins and the others are not told', async () => {
    const call = await new VirtualCall().answered();
    call.caller.bye();
    call.phone.fail({ kind: 'media-timeout', silentMs: 15_000 });
    call.peer?.close(1_011, '');
    await ended(call);
    expect(endKind(call)).toBe('caller-hung-up');
  });

  test('draining lets calls in progress end by themselves', async () => {
    const call = await new VirtualCall().answered();
    let drained = false;
    void call.calls.drain({ limitMs: 60_000 }).then(() => (drained = true));
    await call.run(5_000);
    expect(drained).toBe(false);
    call.caller.bye();
    await call.run(1_000);
    expect(drained).toBe(true);
    await ended(call);
  });

  test('draining tells the calls that outlast its limit goodbye, and ends them', async () => {
    const call = await new VirtualCall().answered();
    void call.calls.drain({ limitMs: 2_000 });
    await call.run(2_500);
    expect(saw(call)).not.toContain('bye');
    await call.run(15_000);
    expect(saw(call)).toContain('bye');
    await ended(call);
    expect(endKind(call)).toBe('draining');
  });

  test('talks on when the SIP server is lost, and its end by its media says so', async () => {
    const call = await new VirtualCall().answered();
    call.caller.loseSignalling();
    call.caller.loseSignalling();
    await call.run(3_000);
    expect(call.calls.snapshots()).toMatchObject([{ state: 'active' }]);
    expect(call.events.filter(({ event }) => event.kind === 'signalling-lost')).toHaveLength(1);
    call.media.phones.values().next().value?.fail({ kind: 'media-timeout', silentMs: 15_000 });
    await ended(call);
    expect(call.events.at(-1)?.snapshot.signallingLostAtMs).toBeGreaterThan(0);
  });

  test('an observer that throws does not disturb the call', async () => {
    const call = new VirtualCall();
    const push = call.events.push.bind(call.events);
    call.events.push = (...seen) => {
      push(...seen);
      throw new Error('observer');
    };
    await call.answered();
    expect(saw(call)).toEqual(['ringing', 'answered']);
    call.caller.bye();
    await ended(call);
  });
});

describe('hanging up at every moment', () => {
  test.each(Array.from({ length: 60 }, (_, i) => i * 10))(
    'after %d ms leaves one end, no timer and no call',
    async (ms) => {
      const call = new VirtualCall({
        behaviour: behaves([{ say: 'Hello.', audio: 'speech:400ms', calls: [{ name: 'hang_up', arguments: {} }] }]),
        agent: { greeting: 'Hello.' },
        caller: { ackDelayMs: 50 },
      });
      call.ring();
      await call.run(ms);
      call.caller.cancel();
      call.caller.bye();
      await ended(call);
      const reason = call.last('ended')?.event.reason;
      expect(reason === undefined ? undefined : blameFor(reason)).toBe('nobody');
    },
  );
});
