import { CallerTurns } from '../../src/realtime/caller-turns';
import { recordingListener } from './scripted-session';

function callerTurns({ hasIdleTimeout = true } = {}) {
  const { told, listener } = recordingListener();
  const deleted: string[] = [];
  const deleteItem = (itemId: string): void => void deleted.push(itemId);
  return { told, deleted, turns: new CallerTurns({ listener, hasIdleTimeout: () => hasIdleTimeout, deleteItem }) };
}

test('speech is told from its start to its transcript', () => {
  const { told, turns } = callerTurns();
  turns.speechStarted({ itemId: 'item_1', audioStartMs: 1_000 });
  turns.speechStopped({ itemId: 'item_1', audioEndMs: 2_000 });
  turns.committed('item_1');
  turns.transcribed({ itemId: 'item_1', transcript: 'Hello.' });
  expect(told).toEqual([
    ['onSpeechStarted', { itemId: 'item_1', audioStartMs: 1_000 }],
    ['onSpeechStopped', { itemId: 'item_1', audioEndMs: 2_000 }],
    ['onTranscript', { itemId: 'item_1', by: 'caller', text: 'Hello.' }],
  ]);
});

test('an idle timeout is told once, although its silence is committed like a turn', () => {
  const { told, turns } = callerTurns();
  turns.idleTimeout('item_1');
  turns.committed('item_1');
  expect(told).toEqual([['onIdleTimeout', { itemId: 'item_1' }]]);
});

test('the silence of a timeout is taken out of the conversation, when it is in it', () => {
  const { deleted, turns } = callerTurns();
  turns.idleTimeout('item_1');
  expect(deleted).toEqual([]);
  turns.committed('item_1');
  expect(deleted).toEqual(['item_1']);
});

test.each([
  ['before', ['discard', 'committed']],
  ['after', ['committed', 'discard']],
] as const)(
  'a turn that is discarded %s it is committed leaves the conversation, and its words are not told',
  (_when, steps) => {
    const { told, deleted, turns } = callerTurns();
    turns.speechStarted({ itemId: 'item_1', audioStartMs: 0 });
    for (const step of steps) turns[step]('item_1');
    turns.transcribed({ itemId: 'item_1', transcript: 'Mhm.', usage: { kind: 'duration', seconds: 1 } });
    expect(deleted).toEqual(['item_1']);
    expect(told.slice(1)).toEqual([['onTranscriptionUsage', { kind: 'duration', seconds: 1 }]]);
  },
);

test('words that the transcriber invents for the silence are not passed on', () => {
  const { told, turns } = callerTurns();
  turns.idleTimeout('item_1');
  turns.transcribed({ itemId: 'item_1', transcript: 'Turn off the light.' });
  expect(told).toHaveLength(1);
});

test('a committed item that nobody announced is an idle timeout', () => {
  const { told, turns } = callerTurns();
  turns.speechStopped({ itemId: 'item_1', audioEndMs: 6_000 });
  turns.committed('item_1');
  turns.transcribed({ itemId: 'item_1', transcript: 'Thanks for watching.' });
  expect(told).toEqual([['onIdleTimeout', { itemId: 'item_1' }]]);
});

test('without an idle timeout in the session it is a turn all the same', () => {
  const { told, turns } = callerTurns({ hasIdleTimeout: false });
  turns.committed('item_1');
  turns.transcribed({ itemId: 'item_1', transcript: 'Hello.' });
  expect(told).toEqual([['onTranscript', { itemId: 'item_1', by: 'caller', text: 'Hello.' }]]);
});

test('an empty transcript is not told', () => {
  const { told, turns } = callerTurns();
  turns.speechStarted({ itemId: 'item_1', audioStartMs: 0 });
  turns.transcribed({ itemId: 'item_1', transcript: '' });
  expect(told).toHaveLength(1);
});
