import { join } from 'node:path';

import { readWavFile } from '../../src/audio/wav';
import type { TurnRules } from '../../src/dialplan/conversation-rules';
import { VirtualCall, type VirtualCallOptions } from '../support/virtual-call';
import { speakingModel, speechLevels, type SpokenFor } from './speaking-model';

const recording = (name: string): Promise<Int16Array> => readWavFile(join('audio', `${name}-8khz.wav`), 8_000);
const kindsOf = (call: VirtualCall, ...kinds: string[]): string[] =>
  call.kinds().filter((kind) => kinds.includes(kind));

function heardMs(call: VirtualCall, what: SpokenFor): number {
  const isOf = (sample: number): boolean => Math.abs(sample - speechLevels[what]) < 400;
  return call.phone.heard.reduce((sum, { samples }) => sum + samples.filter(isOf).length, 0) / 8;
}

/** When the caller heard nothing between two frames of the greeting. */
function gapMs(call: VirtualCall): number {
  const loud = call.phone.heard.filter(({ samples }) => samples.some((one) => Math.abs(one) > 1_000));
  const gaps = loud.slice(1).map(({ atMs }, index) => atMs - (loud[index]?.atMs ?? atMs) - 20);
  return Math.max(0, ...gaps);
}

async function leavesNothing(call: VirtualCall): Promise<void> {
  call.caller.bye();
  await call.run(100);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
  expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
  expect(call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []))).toEqual([]);
}

describe('reversible barge-in', () => {
  const turns: TurnRules = { kind: 'reversible', decideAfterMs: 700 };
  const off = { create_response: false, interrupt_response: false };

  /** The greeting has been heard for about a second, and the caller makes this sound. */
  async function whileGreeting(sound: Int16Array, options: VirtualCallOptions = {}): Promise<VirtualCall> {
    const call = await new VirtualCall({
      behaviour: speakingModel({ lengthsMs: { greeting: 5_000 } }),
      turns,
      ...options,
      agent: {
        greeting: 'Hello.',
        turn_detection: { type: 'server_vad', ...off },
        transcription: { model: 'gpt-4o-transcribe' },
        ...options.agent,
      },
    }).answered();
    await call.run(1_000);
    call.phone.say(sound);
    return call;
  }

  test.each(['server_vad', 'semantic_vad'])('with %s goes on at the same sample after a murmur', async (type) => {
    const call = await whileGreeting(await recording('caller-murmur'), {
      agent: { turn_detection: { type, ...off } },
    });
    await call.run(9_000);
    expect(kindsOf(call, 'murmur', 'barge-in')).toEqual(['murmur']);
    // Every sample is heard once; 5 ms of each ramp are softer.
    expect(heardMs(call, 'greeting')).toBeGreaterThan(4_988);
    expect(heardMs(call, 'greeting')).toBeLessThanOrEqual(5_001);
    expect(gapMs(call)).toBeGreaterThan(400);
    expect(gapMs(call)).toBeLessThanOrEqual(900);
    await leavesNothing(call);
  });

  test("takes the murmur's turn out of the history and tells none of its words", async () => {
    const call = await whileGreeting(await recording('caller-murmur'));
    await call.run(9_000);
    const spoken = call.last('caller-speech-started')?.event.itemId;
    expect(call.sent('conversation.item.delete').map(({ event }) => event.item_id)).toEqual([spoken]);
    expect(call.events.filter(({ event }) => event.kind === 'transcript' && event.by === 'caller')).toEqual([]);
    expect(call.sent('response.create')).toHaveLength(1);
    expect(call.sent('response.cancel')).toEqual([]);
    await leavesNothing(call);
  });

  test.each(['caller-interruption', 'caller-thanks'])('gives way to %s', async (name) => {
    const call = await whileGreeting(await recording(name));
    const saidAtMs = call.clock.now();
    await call.run(9_000);
    expect(kindsOf(call, 'murmur', 'barge-in')).toEqual(['barge-in']);
    const bargeIn = call.last('barge-in');
    const startedAtMs = call.last('caller-speech-started')?.atMs ?? 0;
    expect((bargeIn?.atMs ?? 0) - startedAtMs).toBe(700);
    // It falls silent at the first word, and not at the decision.
    const greeting = call.phone.heard.filter(({ samples }) => samples.some((one) => Math.abs(one - 6_000) < 400));
    expect(greeting.at(-1)?.atMs).toBeLessThan(saidAtMs + 250);
    const [truncated] = call.sent('conversation.item.truncate');
    expect(Math.abs(Number(truncated?.event.audio_end_ms) - heardMs(call, 'greeting'))).toBeLessThanOrEqual(6);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });

  test('gives way to a question that began like a murmur: a word, a pause, and then the rest', async () => {
    const call = await whileGreeting(await recording('caller-question'));
    await call.run(9_000);
    expect(kindsOf(call, 'murmur', 'barge-in')).toEqual(['barge-in']);
    const startedAtMs = call.last('caller-speech-started')?.atMs ?? 0;
    expect((call.last('barge-in')?.atMs ?? 0) - startedAtMs).toBeLessThanOrEqual(1_000);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });

  test('a murmur and then a question in one breath is a question', async () => {
    const [murmur, question] = [await recording('caller-murmur'), await recording('caller-question')];
    const pause = new Int16Array(8 * 250);
    const call = await whileGreeting(Int16Array.of(...murmur, ...pause, ...question));
    await call.run(9_000);
    expect(kindsOf(call, 'barge-in')).toEqual(['barge-in']);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });

  test('a caller who speaks while the agent is silent is answered by the bridge', async () => {
    const call = await whileGreeting(new Int16Array(8));
    await call.run(6_000);
    call.phone.say(await recording('caller-question'));
    await call.run(6_000);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    expect(kindsOf(call, 'murmur', 'barge-in')).toEqual([]);
    await leavesNothing(call);
  });

  test('what was being said before the answer to a murmur goes on when the murmur is forgotten by the server', async () => {
    const call = await whileGreeting(await recording('caller-murmur'));
    await call.run(300);
    call.conversation.onInputCleared();
    await call.run(8_000);
    expect(heardMs(call, 'greeting')).toBeGreaterThan(4_980);
    await leavesNothing(call);
  });

  test('a hang-up at each moment leaves nothing behind', async () => {
    const sound = await recording('caller-interruption');
    for (const atMs of [50, 150, 500, 750, 1_300, 2_500]) {
      const call = await whileGreeting(sound);
      await call.run(atMs);
      await leavesNothing(call);
    }
  });
});

describe('push-to-talk', () => {
  async function keyed(): Promise<VirtualCall> {
    const call = await new VirtualCall({
      behaviour: speakingModel({ lengthsMs: { greeting: 3_000 } }),
      turns: { kind: 'push-to-talk', key: '*' },
      agent: { greeting: 'Hello.', turn_detection: { type: 'none' } },
    }).answered();
    await call.run(500);
    return call;
  }

  test('the key silences the agent, and what is said until the next key is answered', async () => {
    const call = await keyed();
    call.phone.press('*');
    await call.run(60);
    expect(call.sent('input_audio_buffer.clear')).toHaveLength(1);
    expect(call.sent('conversation.item.truncate')).toHaveLength(1);
    call.phone.say(await recording('caller-question'));
    await call.run(3_000);
    call.phone.press('*');
    await call.run(2_000);
    expect(call.sent('input_audio_buffer.commit')).toHaveLength(1);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });

  test('nothing is sent to the model between the turns', async () => {
    const call = await keyed();
    await call.run(1_000);
    expect(call.sent('input_audio_buffer.append')).toEqual([]);
    call.phone.press('*');
    await call.run(500);
    expect(call.sent('input_audio_buffer.append').length).toBeGreaterThanOrEqual(24);
    await leavesNothing(call);
  });

  test('two presses in a row commit nothing', async () => {
    const call = await keyed();
    call.phone.press('*');
    await call.run(60);
    call.phone.press('*');
    await call.run(2_000);
    expect(call.sent('input_audio_buffer.commit')).toEqual([]);
    await leavesNothing(call);
  });

  test('a turn that nobody closes is closed after two minutes', async () => {
    const call = await keyed();
    call.phone.press('*');
    await call.run(121_000);
    expect(call.sent('input_audio_buffer.commit')).toHaveLength(1);
    await leavesNothing(call);
  });

  test('other keys are only keys', async () => {
    const call = await keyed();
    call.phone.press('5');
    await call.run(100);
    expect(call.conversation.occupations.current).toContain('digits');
    expect(call.sent('input_audio_buffer.clear')).toEqual([]);
    await leavesNothing(call);
  });
});

describe('the turns of the server', () => {
  test('a greeting that was asked for while the caller speaks is not spoken over them', async () => {
    const call = new VirtualCall({
      behaviour: speakingModel({ lengthsMs: { greeting: 4_000 } }),
      agent: { greeting: 'Hello.' },
      simulator: { timing: { responseCreatedMs: 500 } },
    });
    call.ring();
    await call.run(20);
    call.phone.say(await recording('caller-question'));
    await call.run(9_000);
    expect(heardMs(call, 'greeting')).toBeLessThan(50);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });

  test('an agent who may not be interrupted finishes, and answers what was said meanwhile', async () => {
    const call = await new VirtualCall({
      behaviour: speakingModel({ lengthsMs: { greeting: 3_000 } }),
      agent: { greeting: 'Hello.', turn_detection: { type: 'server_vad', interrupt_response: false } },
    }).answered();
    await call.run(800);
    call.phone.say(await recording('caller-question'));
    await call.run(9_000);
    expect(heardMs(call, 'greeting')).toBeGreaterThan(2_990);
    expect(kindsOf(call, 'barge-in')).toEqual([]);
    expect(heardMs(call, 'answer')).toBeGreaterThan(790);
    await leavesNothing(call);
  });
});
