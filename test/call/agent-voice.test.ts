import type { AgentSeat } from '../../src/call/agent-seat';
import { AgentVoice } from '../../src/call/agent-voice';
import { ConversationMemory } from '../../src/call/conversation-memory';
import type { Prompts } from '../../src/call/prompts';

const prompts = { apology: { 8_000: new Int16Array(160).fill(7) } } as unknown as Prompts;

/** A voice at 8 kHz on both sides, in a session that made `items`. Each pull is 20 ms. */
function voiceOf({ items = ['a', 'b'] }: { items?: string[] } = {}) {
  const did: string[] = [];
  const session = {
    outputRateHz: 8_000,
    cancelResponse: () => did.push('cancel'),
    truncate: ({ itemId, audioEndMs }: { itemId: string; audioEndMs: number }) =>
      did.push(`truncate ${itemId} ${audioEndMs}`),
    hasMade: (itemId: string) => items.includes(itemId),
    deleteItem: (itemId: string) => did.push(`delete ${itemId}`),
  };
  const seat = { session, memory: new ConversationMemory() };
  const voice = new AgentVoice({
    seat: seat as unknown as AgentSeat,
    prompts,
    legRateHz: 8_000,
    listener: { onItemStarted: () => undefined, onDrained: () => did.push('drained'), onGap: () => undefined },
  });
  return {
    voice,
    did,
    seat,
    says: (itemId: string, ms: number) =>
      voice.speak({ itemId, contentIndex: 0, samples: new Int16Array(ms * 8).fill(1_000) }),
    hear: (frames: number): Int16Array[] =>
      Array.from({ length: frames }, () => {
        const frame = new Int16Array(160);
        voice.playout.pull(frame);
        return frame;
      }),
  };
}

test('a caller who cuts the agent off: the item that plays is truncated at what was heard, the rest deleted', () => {
  const { voice, did, says, hear } = voiceOf();
  says('a', 100);
  says('b', 100);
  hear(2);
  // 5 ms of fade are heard, too.
  expect(voice.cutOff({ cancel: true })).toEqual({ itemId: 'a', audioEndMs: 45 });
  expect(did).toEqual(['cancel', 'drained', 'truncate a 45', 'delete b']);
  expect(voice.isHeard).toBe(true);
});

test('an item of which nothing was heard is cut off at its beginning', () => {
  const { voice, did, says } = voiceOf();
  says('a', 100);
  expect(voice.cutOff({ cancel: false })).toEqual({ itemId: 'a', audioEndMs: 0 });
  expect(did).toEqual(['drained', 'delete a']);
});

test('a caller who speaks into silence cuts nothing off, but interrupts the responses on their way', () => {
  const { voice, did } = voiceOf();
  voice.responseStarted('resp_1');
  expect(voice.cutOff({ cancel: false })).toBeUndefined();
  voice.responseStarted('resp_2');
  expect(did).toEqual([]);
  expect([voice.wasInterrupted('resp_1'), voice.wasInterrupted('resp_2')]).toEqual([true, false]);
});

test('a session is not told to forget what one before it said', () => {
  const { voice, did, says } = voiceOf({ items: [] });
  says('a', 100);
  voice.cutOff({ cancel: false });
  expect(did).toEqual(['drained']);
});

test('the session is asked only after what plays has stopped: a hand-over may have waited for that', () => {
  const { voice, did, seat, says } = voiceOf();
  const other = { ...seat.session, deleteItem: () => did.push('the other session deletes') };
  voice.playout.interrupt = ((interrupt) => () => {
    seat.session = other;
    return interrupt();
  })(voice.playout.interrupt.bind(voice.playout));
  says('a', 100);
  voice.cutOff({ cancel: false });
  expect(did).toContain('the other session deletes');
});

test('no caller cuts off what we say ourselves', () => {
  const { voice, hear } = voiceOf();
  voice.play('apology');
  expect(voice.cutOff({ cancel: false })).toBeUndefined();
  expect(hear(1)[0]?.[0]).toBe(7);
});

test('with the session its responses are gone, and what came of them is heard', () => {
  const { voice, says, hear } = voiceOf();
  voice.responseStarted('resp_1');
  says('a', 20);
  voice.sessionLost();
  expect([voice.isRespondingAtAll, voice.isHeard]).toEqual([false, false]);
  hear(1);
  expect(voice.isHeard).toBe(true);
});

test('a response is over when it is done', () => {
  const { voice } = voiceOf();
  voice.responseStarted('resp_1');
  expect([voice.isResponding('resp_1'), voice.isResponding('resp_2')]).toEqual([true, false]);
  voice.responseDone('resp_1');
  expect([voice.isResponding('resp_1'), voice.isRespondingAtAll]).toEqual([false, false]);
});

test('the sound of a tool that runs goes on when the next session has another rate', () => {
  const { voice, seat, hear } = voiceOf();
  const sounds = (): boolean => hear(100).some((frame) => frame.some((sample) => sample !== 0));
  voice.waitingSound(true);
  expect(sounds()).toBe(true);
  Object.assign(seat.session, { outputRateHz: 24_000 });
  voice.sessionReplaced();
  expect(sounds()).toBe(true);
  voice.waitingSound(false);
  expect(sounds()).toBe(false);
});
