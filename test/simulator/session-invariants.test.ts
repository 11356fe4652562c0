import { seededRandom, type Random } from '../../src/runtime/random';
import { speechLike } from '../../src/simulator/speech-like';
import { encodeWhole, pcmFormat } from '../../src/simulator/audio-format';
import type { ServerEvent } from '../../src/simulator/server-events';
import { behaviourOf, scenarioOf, SessionHarness } from './session-harness';

const behaviours = [
  behaviourOf('receptionist'),
  behaviourOf('echo'),
  behaviourOf('tone:600:20'),
  scenarioOf({
    turns: [
      { say: 'One moment.', calls: [{ name: 'look', arguments: { deep: true } }] },
      { error: { code: 'server_error' } },
      { refuse: { code: 'server_error' } },
      { say: 'Slowly.', delay: '2s', audio: 'speech:9s' },
    ],
    after: 'start-again',
  }),
];

test.each(Array.from({ length: 40 }, (_, seed) => seed))('whatever a client does, nothing breaks (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const harness = new SessionHarness({ behaviour: pick(random, behaviours), random: seededRandom(seed + 1) });
  for (let step = 0; step < 120; step += 1) {
    act(harness, random);
    harness.clock.advance(pick(random, [0, 0, 5, 20, 150, 1_000]));
  }
  harness.clock.advance(60_000);
  harness.send({ type: 'response.cancel' });
  checkResponses(harness.events);
  checkItems(harness.events);
  expect(new Set(harness.events.map(({ event_id }) => event_id)).size).toBe(harness.events.length);
  harness.session.end();
  expect(harness.clock.pendingTimers).toBe(0);
});

/** Something that a client may or may not do. */
function act(harness: SessionHarness, random: Random): void {
  const ids = harness.of('conversation.item.added').map(({ item }) => item.id);
  const responses = harness.of('response.created').map(({ response }) => response.id);
  const itemId = pick(random, [...ids.slice(-4), 'nobody']);
  const callIds = harness.of('response.function_call_arguments.done').map(({ call_id }) => call_id);
  const actions: (() => void)[] = [
    () => harness.append(encodeWhole(pcmFormat, speechLike({ lengthMs: 400, random }))),
    () => harness.append(Buffer.alloc(1_000 + Math.floor(random.fraction() * 40_000))),
    () => harness.send({ type: 'response.create' }),
    () => harness.send({ type: 'response.create', response: { conversation: 'none' } }),
    () => harness.send({ type: 'response.create', response: { output_modalities: ['text'], max_output_tokens: 5 } }),
    () => harness.send({ type: 'response.cancel' }),
    () => harness.send({ type: 'response.cancel', response_id: pick(random, [...responses, 'resp_nobody']) }),
    () => harness.send({ type: 'input_audio_buffer.commit' }),
    () => harness.send({ type: 'input_audio_buffer.clear' }),
    () => harness.send({ type: 'conversation.item.delete', item_id: itemId }),
    () => harness.send({ type: 'conversation.item.retrieve', item_id: itemId }),
    () =>
      harness.send({
        type: 'conversation.item.truncate',
        item_id: itemId,
        content_index: 0,
        audio_end_ms: Math.floor(random.fraction() * 2_000),
      }),
    () =>
      harness.send({
        type: 'conversation.item.create',
        previous_item_id: pick(random, [itemId, 'root']),
        item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hm' }] },
      }),
    () =>
      harness.send({
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id: pick(random, [...callIds, 'call_x']), output: 'ok' },
      }),
    () => harness.turnDetection(pick(random, [null, { type: 'semantic_vad' }, { type: 'server_vad' }])),
    () =>
      harness.turnDetection({
        type: 'server_vad',
        idle_timeout_ms: 5_000,
        interrupt_response: random.fraction() < 0.5,
      }),
    () =>
      harness.update({
        audio: { output: { format: { type: pick(random, ['audio/pcm', 'audio/pcmu', 'audio/pcma']) } } },
      }),
    () => harness.update({ audio: { input: { format: { type: pick(random, ['audio/pcm', 'audio/pcmu']) } } } }),
    () => harness.session.receive(garbage(random)),
    () => harness.session.receiveBinary(),
  ];
  pick(random, actions)();
}

/** Cut-off, shuffled and misplaced JSON. */
function garbage(random: Random): string {
  const text = JSON.stringify({
    type: pick(random, ['session.update', 'response.create', 'conversation.item.create', 'input_audio_buffer.append']),
    session: pick(random, [
      null,
      [],
      { type: 'realtime', audio: { input: 7 } },
      { type: 'realtime', __proto__: { a: 1 } },
    ]),
    item: pick(random, [null, {}, { type: 'message', role: 'user', content: [null] }]),
    audio: pick(random, ['AAA', '====', 5]),
  });
  return text.slice(0, Math.floor(random.fraction() * (text.length + 10)));
}

/** Each response is created once, done once, in this order; one at a time in the conversation; nothing after its end. */
function checkResponses(events: readonly ServerEvent[]): void {
  const running = new Map<string, string | null>();
  const ended = new Set<string>();
  for (const event of events) {
    if (event.type === 'response.created') {
      const { id, conversation_id } = event.response;
      expect(running.has(id) || ended.has(id)).toBe(false);
      if (conversation_id !== null) expect([...running.values()].filter((other) => other !== null)).toEqual([]);
      running.set(id, conversation_id);
    } else if (event.type === 'response.done') {
      expect(running.delete(event.response.id)).toBe(true);
      ended.add(event.response.id);
      expect(event.response.status).not.toBe('in_progress');
      for (const item of event.response.output) expect(item.status).not.toBe('in_progress');
    } else if ('response_id' in event) {
      expect(running.has(event.response_id)).toBe(true);
    }
  }
  expect(running.size).toBe(0);
}

/** Whatever a response opened it also closed, and audio comes only while its part is open. */
function checkItems(events: readonly ServerEvent[]): void {
  const open = new Set<string>();
  const openParts = new Set<string>();
  for (const event of events) {
    if (event.type === 'response.output_item.added') open.add(event.item.id);
    if (event.type === 'response.output_item.done') expect(open.delete(event.item.id)).toBe(true);
    if (event.type === 'response.content_part.added') openParts.add(event.item_id);
    if (event.type === 'response.content_part.done') expect(openParts.delete(event.item_id)).toBe(true);
    if (event.type === 'response.output_audio.delta') expect(openParts.has(event.item_id)).toBe(true);
  }
  expect([...open, ...openParts]).toEqual([]);
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random.fraction() * choices.length)]!;
}
