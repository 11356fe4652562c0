import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime';

import type { ServerEvent } from '../../src/simulator/server-events';
import { prompt, scenarioOf, SessionHarness } from './session-harness';

// The live service says null where the published types only know a missing key; apart from that, what the simulator
// says must be what those types allow. The compiler checks it: this file is part of `npm run types`.
type WithoutNulls<T> = T extends null
  ? never
  : T extends readonly (infer Element)[]
    ? WithoutNulls<Element>[]
    : T extends object
      ? { [Key in keyof T]: WithoutNulls<T[Key]> }
      : T;

type SessionEvents = 'session.created' | 'session.updated';
type Ours = WithoutNulls<Exclude<ServerEvent, { type: SessionEvents }>>;

function asPublished(event: Ours): RealtimeServerEvent {
  return event;
}

test('null stands only where captures of the live service show it', () => {
  const harness = new SessionHarness({
    behaviour: scenarioOf({ turns: [{ caller: 'Hm?', say: 'One moment.', calls: [{ name: 'look' }] }] }),
  });
  harness.update({ audio: { input: { transcription: { model: 'whisper-1' } } } });
  harness.say(prompt('caller-interruption'));
  harness.silence(4_000);
  harness.send({ type: 'nonsense' });
  const events = harness.events.filter(({ type }) => !type.startsWith('session.'));
  const nulls = new Set(events.flatMap((event) => nullPaths(event, asPublished(event as Ours).type)));
  expect([...nulls].sort()).toEqual([
    'conversation.item.added.item.content.0.transcript',
    'conversation.item.added.previous_item_id',
    'conversation.item.done.item.content.0.transcript',
    'conversation.item.done.previous_item_id',
    'error.error.event_id',
    'input_audio_buffer.committed.previous_item_id',
    'response.created.response.metadata',
    'response.created.response.status_details',
    'response.created.response.usage',
    'response.done.response.metadata',
    'response.done.response.status_details',
  ]);
});

function nullPaths(value: unknown, path: string): string[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, member]) => nullPaths(member, `${path}.${key}`));
}
