import { outOfBandResponsesMax } from '../../src/simulator/responses';
import { behaviourOf, prompt, scenarioOf, SessionHarness } from './session-harness';

describe('response.create', () => {
  test('brings a spoken answer whose deltas add up to the recording', () => {
    const harness = answered();
    const { response } = harness.only('response.done');
    const { samples } = prompt('receptionist-greeting');
    expect(harness.audioOf(response.id)).toEqual(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
    const words = 'Hello, you have reached Ringbridge. How can I help you?';
    expect(
      harness
        .of('response.output_audio_transcript.delta')
        .map(({ delta }) => delta)
        .join(''),
    ).toBe(words);
    expect(harness.only('response.output_audio_transcript.done').transcript).toBe(words);
    expect(harness.only('response.content_part.added').part).toEqual({ type: 'audio', transcript: '' });
    expect(harness.only('response.content_part.done').part).toEqual({ type: 'audio', transcript: words });
    expect(response.output).toEqual([
      {
        id: harness.only('response.output_item.done').item.id,
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_audio', transcript: words }],
      },
    ]);
  });

  test('shows every field of the response object, from the beginning', () => {
    const harness = answered();
    const keys = [
      ...['object', 'id', 'status', 'status_details', 'output', 'conversation_id', 'output_modalities'],
      ...['max_output_tokens', 'audio', 'usage', 'metadata'],
    ];
    const created = harness.only('response.created').response;
    expect(Object.keys(created)).toEqual(keys);
    expect(Object.keys(harness.only('response.done').response)).toEqual(keys);
    expect(created).toMatchObject({
      object: 'realtime.response',
      status: 'in_progress',
      status_details: null,
      output: [],
      conversation_id: expect.stringMatching(/^conv_/),
      usage: null,
      metadata: null,
      audio: { output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'alloy' } },
    });
    expect(harness.only('response.done').response).toMatchObject({ status: 'completed', status_details: null });
  });

  test('makes audio about eight times faster than it is spoken, or as fast as it is told', () => {
    expect(generationMs({})).toBeCloseTo(greetingMs / 8, 0);
    expect(generationMs({ audioSpeed: 2 })).toBeCloseTo(greetingMs / 2, 0);
  });

  test('cuts audio into irregular deltas that begin and end inside PCM samples', () => {
    const sizes = answered()
      .of('response.output_audio.delta')
      .map(({ delta }) => Buffer.from(delta, 'base64').length);
    expect(new Set(sizes).size).toBeGreaterThan(5);
    expect(sizes.filter((size) => size % 2 === 1).length).toBeGreaterThan(5);
    expect(sizes.filter((size) => size % 960 === 0)).toEqual([]);
  });

  test('lets the transcript run ahead of the audio', () => {
    const types = answered().events.map(({ type }) => type);
    expect(types.indexOf('response.output_audio_transcript.delta')).toBeLessThan(
      types.indexOf('response.output_audio.delta'),
    );
    expect(types.lastIndexOf('response.output_audio_transcript.delta')).toBeLessThan(
      types.lastIndexOf('response.output_audio.delta'),
    );
  });

  test('pads text deltas with an obfuscation that clients must overlook', () => {
    const [delta] = answered().of('response.output_audio_transcript.delta');
    expect(delta!.obfuscation).toMatch(/^[0-9A-Za-z]{8,15}$/);
  });

  test('is followed by the token limits 40 ms after it is done', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    while (harness.of('response.done').length === 0) harness.clock.advance(1);
    harness.clock.advance(38);
    expect(harness.of('rate_limits.updated')).toEqual([]);
    harness.clock.advance(2);
    const { total_tokens: used } = harness.only('response.done').response.usage!;
    const { rate_limits: limits } = harness.only('rate_limits.updated');
    expect(limits).toEqual([
      { name: 'tokens', limit: 15_000_000, remaining: 15_000_000 - used, reset_seconds: expect.any(Number) },
    ]);
  });

  test('writes when it is asked for text', () => {
    const harness = new SessionHarness();
    harness.update({ output_modalities: ['text'] });
    harness.forget();
    harness.send({ type: 'response.create' });
    harness.clock.advance(5_000);
    expect(harness.types()).toEqual([
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'rate_limits.updated',
    ]);
    const words = 'Hello, you have reached Ringbridge. How can I help you?';
    expect(harness.only('response.output_text.done').text).toBe(words);
    expect(harness.only('response.done').response.output).toMatchObject([
      { content: [{ type: 'output_text', text: words }] },
    ]);
  });

  test('takes overrides for one response only', () => {
    const harness = new SessionHarness();
    harness.send({
      type: 'response.create',
      response: {
        audio: { output: { format: { type: 'audio/pcmu' }, voice: 'cedar' } },
        metadata: { purpose: 'greeting' },
        max_output_tokens: 4_000,
      },
    });
    harness.clock.advance(10_000);
    const first = harness.last('response.done').response;
    expect(first).toMatchObject({
      audio: { output: { format: { type: 'audio/pcmu' }, voice: 'cedar' } },
      metadata: { purpose: 'greeting' },
      max_output_tokens: 4_000,
    });
    expect(harness.audioOf(first.id)).toHaveLength(Math.round(greetingMs * 8));
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    expect(harness.last('response.done').response).toMatchObject({
      audio: { output: { format: { type: 'audio/pcm' }, voice: 'alloy' } },
      metadata: null,
      max_output_tokens: 'inf',
    });
  });

  test('stops as incomplete when the tokens run out', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create', response: { max_output_tokens: 20 } });
    harness.clock.advance(10_000);
    const { response } = harness.only('response.done');
    expect(response).toMatchObject({
      status: 'incomplete',
      status_details: { type: 'incomplete', reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    });
    expect(harness.audioOf(response.id).length).toBeLessThan(48 * 1_000);
  });

  test.each([
    [
      'too many metadata',
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) },
      'object_above_max_properties',
      'response.metadata',
    ],
    [
      'metadata that is too long',
      { metadata: { key: 'v'.repeat(513) } },
      'string_above_max_length',
      'response.metadata.key',
    ],
    ['an unknown key', { modalities: ['text'] }, 'unknown_parameter', 'response.modalities'],
    [
      'a reference to an unknown item',
      { input: [{ type: 'item_reference', id: 'nobody' }] },
      'invalid_value',
      'response.input[0].id',
    ],
  ])('with %s is refused', (_, response, code, param) => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create', event_id: 'rc', response });
    expect(harness.lastError()).toMatchObject({ code, param, event_id: 'rc' });
    harness.clock.advance(1_000);
    expect(harness.of('response.created')).toEqual([]);
  });

  test('with another voice is refused once the model has spoken', () => {
    const harness = answered();
    harness.send({ type: 'response.create', response: { audio: { output: { voice: 'cedar' } } } });
    expect(harness.lastError()).toMatchObject({ code: 'cannot_update_voice', param: null });
  });
});

describe('one response at a time', () => {
  test('a second response.create is refused by name, echoes its event_id and comes to nothing', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(300);
    harness.send({ type: 'response.create', event_id: 'second' });
    const { id } = harness.only('response.created').response;
    expect(harness.lastError()).toMatchObject({
      code: 'conversation_already_has_active_response',
      param: null,
      event_id: 'second',
      message: expect.stringContaining(id),
    });
    harness.clock.advance(10_000);
    expect(harness.of('response.created')).toHaveLength(1);
    expect(harness.of('response.done')).toHaveLength(1);
  });

  test('that holds from the acceptance on, before response.created', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.send({ type: 'response.create' });
    expect(harness.lastError().code).toBe('conversation_already_has_active_response');
  });

  test('after response.done the next one is welcome at once', () => {
    const harness = new SessionHarness();
    harness.onEvent = (event) => {
      if (event.type === 'response.done' && harness.of('response.done').length === 1) {
        harness.send({ type: 'response.create' });
      }
    };
    harness.send({ type: 'response.create' });
    harness.clock.advance(20_000);
    expect(harness.of('response.done')).toHaveLength(2);
    expect(harness.of('error')).toEqual([]);
  });
});

describe('response.cancel', () => {
  test('closes what is open as incomplete, and says so', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(300);
    harness.forget();
    harness.send({ type: 'response.cancel' });
    expect(harness.types()).toEqual([
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
    ]);
    expect(harness.only('conversation.item.done').item.status).toBe('incomplete');
    expect(harness.only('response.done').response).toMatchObject({
      status: 'cancelled',
      status_details: { type: 'cancelled', reason: 'client_cancelled' },
      output: [{ status: 'incomplete' }],
    });
    harness.clock.advance(10_000);
    expect(harness.types().at(-1)).toBe('rate_limits.updated');
  });

  test('before the first output leaves no item', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(50);
    harness.send({ type: 'response.cancel' });
    expect(harness.only('response.done').response).toMatchObject({ status: 'cancelled', output: [] });
    expect(harness.of('conversation.item.added')).toEqual([]);
  });

  test('with nothing active is an error, and so it is between response.create and response.created', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.cancel', event_id: 'stop' });
    expect(harness.lastError()).toMatchObject({
      code: 'response_cancel_not_active',
      event_id: 'stop',
      message: expect.stringMatching(/^Cancellation failed/),
    });
    harness.send({ type: 'response.create' });
    harness.send({ type: 'response.cancel' });
    expect(harness.lastError().code).toBe('response_cancel_not_active');
    harness.clock.advance(10_000);
    expect(harness.only('response.done').response.status).toBe('completed');
  });

  test('by id cancels that response, and another id cancels none', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(300);
    harness.send({ type: 'response.cancel', response_id: 'resp_other' });
    expect(harness.lastError().code).toBe('response_cancel_not_active');
    harness.send({ type: 'response.cancel', response_id: harness.only('response.created').response.id });
    expect(harness.only('response.done').response.status).toBe('cancelled');
  });
});

describe('a response outside the conversation', () => {
  const aside = (response: Record<string, unknown> = {}) => ({
    type: 'response.create',
    response: { conversation: 'none', output_modalities: ['text'], metadata: { purpose: 'aside' }, ...response },
  });

  test('adds no items, has no conversation and carries its metadata', () => {
    const harness = new SessionHarness();
    harness.send(aside());
    harness.clock.advance(5_000);
    expect(harness.types().filter((type) => type.startsWith('conversation.item'))).toEqual([]);
    expect(harness.only('response.done').response).toMatchObject({
      conversation_id: null,
      metadata: { purpose: 'aside' },
      output: [{ status: 'completed' }],
    });
    expect(harness.of('response.output_item.done')).toHaveLength(1);
  });

  test('runs beside that of the conversation', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.send(aside());
    harness.send(aside());
    harness.clock.advance(200);
    expect(harness.of('response.created')).toHaveLength(3);
    harness.clock.advance(10_000);
    expect(harness.of('response.done')).toHaveLength(3);
    expect(harness.of('error')).toEqual([]);
  });

  test('survives a barge-in and a cancel without an id', () => {
    const harness = new SessionHarness();
    harness.send(aside());
    harness.clock.advance(200);
    harness.send({ type: 'response.cancel' });
    expect(harness.lastError().code).toBe('response_cancel_not_active');
    harness.say(prompt('caller-interruption'));
    expect(harness.of('input_audio_buffer.speech_started')).not.toEqual([]);
    harness.clock.advance(5_000);
    expect(harness.of('response.done').map(({ response }) => response.status)).toContain('completed');
  });

  test('is cancelled by its id', () => {
    const harness = new SessionHarness();
    harness.send(aside());
    harness.clock.advance(200);
    harness.send({ type: 'response.cancel', response_id: harness.only('response.created').response.id });
    expect(harness.only('response.done').response.status).toBe('cancelled');
  });

  test('reads its own input instead of the conversation', () => {
    const harness = new SessionHarness();
    const long = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x'.repeat(4_000) }] };
    harness.send({ type: 'conversation.item.create', item: { ...long, id: 'long' } });
    harness.send(aside({ input: [] }));
    harness.clock.advance(5_000);
    expect(harness.last('response.done').response.usage!.input_tokens).toBeLessThan(100);
    harness.send(aside({ input: [{ type: 'item_reference', id: 'long' }] }));
    harness.clock.advance(5_000);
    expect(harness.last('response.done').response.usage!.input_tokens).toBeGreaterThan(1_000);
  });

  test('may be given a function call together with its result', () => {
    const harness = new SessionHarness();
    const call = { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'found' };
    harness.send(aside({ input: [call, output] }));
    harness.clock.advance(5_000);
    expect(harness.only('response.done').response.status).toBe('completed');
    harness.send(aside({ input: [output, call] }));
    expect(harness.lastError()).toMatchObject({ code: 'invalid_tool_call_id', param: 'response.input[0].call_id' });
  });

  test('there may be only so many at a time', () => {
    const harness = new SessionHarness();
    for (let i = 0; i <= outOfBandResponsesMax; i += 1) harness.send(aside());
    expect(harness.lastError().code).toBe('rate_limit_exceeded');
    harness.clock.advance(5_000);
    expect(harness.of('response.done')).toHaveLength(outOfBandResponsesMax);
  });
});

describe('a function call', () => {
  const behaviour = scenarioOf({
    turns: [
      {
        say: 'Let me look that up.',
        calls: [
          { name: 'lookup_order', arguments: { order_id: '4711' } },
          { name: 'lookup_stock', arguments: '{"sku":1}' },
        ],
      },
      { say: 'It is on its way.' },
    ],
  });
  const called = (): SessionHarness => {
    const harness = new SessionHarness({ behaviour });
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    return harness;
  };
  const result = (callId: string) => ({
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: callId, output: '{"state":"sent"}' },
  });

  test('follows what is said, with streamed arguments, in the order of the live service', () => {
    const harness = called();
    const types = harness.types();
    expect(types.slice(types.indexOf('response.output_item.done') + 1)).toEqual([
      ...callEvents(),
      ...callEvents(),
      'response.done',
      'rate_limits.updated',
    ]);
    expect(harness.of('response.output_item.added').map((event) => event.output_index)).toEqual([0, 1, 2]);
    const [first, second] = harness.of('response.function_call_arguments.done');
    expect(first).toMatchObject({ name: 'lookup_order', arguments: '{"order_id":"4711"}', output_index: 1 });
    expect(second).toMatchObject({ name: 'lookup_stock', arguments: '{"sku":1}', output_index: 2 });
    expect(first!.call_id).toMatch(/^call_[0-9A-Za-z]{16}$/);
    const deltas = harness
      .of('response.function_call_arguments.delta')
      .filter((event) => event.call_id === first!.call_id);
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.map(({ delta }) => delta).join('')).toBe('{"order_id":"4711"}');
  });

  test('is announced empty and in progress, and repeated whole in response.done', () => {
    const harness = called();
    expect(harness.of('response.output_item.added')[1]!.item).toMatchObject({
      type: 'function_call',
      status: 'in_progress',
      name: 'lookup_order',
      arguments: '',
    });
    expect(harness.only('response.done').response.output[1]).toEqual(harness.of('response.output_item.done')[1]!.item);
  });

  test('its result starts no response by itself, and the next response follows on response.create', () => {
    const harness = called();
    const { call_id } = harness.of('response.function_call_arguments.done')[0]!;
    harness.send(result(call_id));
    harness.clock.advance(5_000);
    expect(harness.of('response.created')).toHaveLength(1);
    harness.send({ type: 'response.create' });
    harness.clock.advance(5_000);
    expect(harness.last('response.output_audio_transcript.done').transcript).toBe('It is on its way.');
  });

  test('its result is accepted from output_item.done on, before response.done', () => {
    const harness = new SessionHarness({ behaviour });
    harness.onEvent = (event) => {
      if (event.type === 'response.output_item.done' && event.item.type === 'function_call')
        harness.send(result(event.item.call_id));
    };
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    expect(harness.of('error')).toEqual([]);
  });

  test('its result is refused while its arguments are still being written', () => {
    const harness = new SessionHarness({ behaviour });
    harness.onEvent = (event) => {
      if (event.type === 'response.output_item.added' && event.item.type === 'function_call')
        harness.send(result(event.item.call_id));
    };
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    expect(harness.of('error').map(({ error }) => error.code)).toEqual([
      'invalid_tool_call_id',
      'invalid_tool_call_id',
    ]);
  });

  test('that is cut off ends incomplete and its arguments are never announced as whole', () => {
    const harness = new SessionHarness({ behaviour });
    harness.onEvent = (event) => {
      if (event.type === 'response.function_call_arguments.delta') harness.send({ type: 'response.cancel' });
    };
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    expect(harness.of('response.function_call_arguments.done')).toEqual([]);
    expect(harness.last('response.output_item.done').item).toMatchObject({
      type: 'function_call',
      status: 'incomplete',
    });
  });

  test('stays valid while the conversation goes on, so that a late result is welcome', () => {
    const harness = called();
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    harness.send(result(harness.of('response.function_call_arguments.done')[1]!.call_id));
    expect(harness.events.at(-1)!.type).toBe('conversation.item.done');
  });
});

test('a planned failure ends the response as failed, with its error and without usage', () => {
  const behaviour = scenarioOf({
    turns: [{ error: { type: 'server_error', code: 'rate_limit_exceeded', message: 'Slow down.' } }],
  });
  const harness = new SessionHarness({ behaviour });
  harness.send({ type: 'response.create' });
  harness.clock.advance(1_000);
  expect(harness.only('response.done').response).toMatchObject({
    status: 'failed',
    status_details: { type: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' } },
    usage: null,
  });
});

test('a planned refusal is an error with the event_id, and the next turn is given instead', () => {
  const behaviour = scenarioOf({ turns: [{ refuse: { code: 'server_error' } }, { say: 'Now it works.' }] });
  const harness = new SessionHarness({ behaviour });
  harness.send({ type: 'response.create', event_id: 'rc-1' });
  expect(harness.lastError()).toMatchObject({ type: 'server_error', code: 'server_error', event_id: 'rc-1' });
  harness.send({ type: 'response.create', event_id: 'rc-2' });
  harness.clock.advance(5_000);
  expect(harness.only('response.done').response.status).toBe('completed');
});

test('an endless-looking tone is cancelled in the middle like anything else', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:600') });
  harness.send({ type: 'response.create' });
  harness.clock.advance(1_000);
  harness.send({ type: 'response.cancel' });
  const { response } = harness.only('response.done');
  expect(response.status).toBe('cancelled');
  expect(harness.audioOf(response.id).length / 48).toBeGreaterThan(6_000);
  expect(harness.audioOf(response.id).length / 48).toBeLessThan(8_000);
});

const greetingMs = prompt('receptionist-greeting').samples.length / 24;

function answered(): SessionHarness {
  const harness = new SessionHarness();
  harness.send({ type: 'response.create' });
  harness.clock.advance(10_000);
  return harness;
}

function generationMs(timing: { audioSpeed?: number }): number {
  const harness = new SessionHarness({ options: { timing } });
  let startedMs = 0;
  let endedMs = 0;
  harness.onEvent = ({ type }) => {
    if (type === 'response.content_part.added') startedMs = harness.clock.now();
    if (type === 'response.output_audio.done') endedMs = harness.clock.now();
  };
  harness.send({ type: 'response.create' });
  harness.clock.advance(10_000);
  return endedMs - startedMs;
}

function callEvents(): string[] {
  return [
    'response.output_item.added',
    'conversation.item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'conversation.item.done',
    'response.output_item.done',
  ];
}
