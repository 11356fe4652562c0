import { conversationItemsMax } from '../../src/simulator/conversation';
import { prompt, SessionHarness } from './session-harness';

describe('conversation.item.create', () => {
  test('is answered with added and done, with the item before it', () => {
    const harness = new SessionHarness();
    create(harness, { id: 'one' });
    create(harness, { id: 'two' });
    expect(harness.types().slice(1)).toEqual([
      'conversation.item.added',
      'conversation.item.done',
      'conversation.item.added',
      'conversation.item.done',
    ]);
    expect(harness.of('conversation.item.added').map((event) => event.previous_item_id)).toEqual([null, 'one']);
    expect(harness.of('conversation.item.done')[1]).toMatchObject({
      previous_item_id: 'one',
      item: { id: 'two', type: 'message', status: 'completed', role: 'user', content: [text('hello')] },
    });
  });

  test('an item without an id gets one, and no item has an object key', () => {
    const harness = new SessionHarness();
    create(harness, {});
    const { item } = harness.only('conversation.item.added');
    expect(item.id).toMatch(/^item_[0-9A-Za-z]{21}$/);
    expect(item).not.toHaveProperty('object');
  });

  test('root inserts at the front and an id inserts behind that item', () => {
    const harness = new SessionHarness();
    create(harness, { id: 'one' });
    create(harness, { id: 'two' });
    create(harness, { id: 'zero' }, 'root');
    create(harness, { id: 'one and a half' }, 'one');
    expect(harness.of('conversation.item.added').map((event) => event.previous_item_id)).toEqual([
      null,
      'one',
      null,
      'one',
    ]);
    harness.send({ type: 'conversation.item.delete', item_id: 'two' });
    create(harness, { id: 'last' });
    expect(harness.last('conversation.item.added').previous_item_id).toBe('one and a half');
  });

  test.each([
    ['behind an unknown item', { previous_item_id: 'nobody' }, 'invalid_value', 'previous_item_id'],
    ['with an id that is taken', { item: message({ id: 'one' }) }, 'invalid_value', 'item.id'],
    ['without content', { item: { type: 'message', role: 'user' } }, 'missing_required_parameter', 'item.content'],
    ['of an unknown type', { item: { type: 'poem' } }, 'invalid_value', 'item.type'],
    [
      'with a text that is missing',
      { item: message({ content: [{ type: 'input_text' }] }) },
      'missing_required_parameter',
      'item.content[0].text',
    ],
    [
      'with output in a user message',
      { item: message({ content: [{ type: 'output_text', text: 'x' }] }) },
      'invalid_value',
      'item.content[0].type',
    ],
    [
      'with audio that is not base64',
      { item: message({ content: [{ type: 'input_audio', audio: '%%%%' }] }) },
      'invalid_value',
      'item.content[0].audio',
    ],
    [
      'with a result of an unknown call',
      { item: { type: 'function_call_output', call_id: 'call_x', output: '1' } },
      'invalid_tool_call_id',
      'item.call_id',
    ],
  ])('%s is refused', (_, change, code, param) => {
    const harness = new SessionHarness();
    create(harness, { id: 'one' });
    harness.send({ type: 'conversation.item.create', event_id: 'mine', item: message({}), ...change });
    expect(harness.lastError()).toMatchObject({ code, param, event_id: 'mine' });
    expect(harness.of('conversation.item.added')).toHaveLength(1);
  });

  test('takes up history: assistant text, a function call and its result', () => {
    const harness = new SessionHarness();
    create(harness, { role: 'assistant', content: [{ type: 'output_text', text: 'Hi.' }] });
    const call = { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' };
    harness.send({ type: 'conversation.item.create', item: call });
    harness.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: 'call_1', output: '1' },
    });
    expect(harness.of('error')).toEqual([]);
    expect(harness.last('conversation.item.done').item).toMatchObject({ type: 'function_call_output', output: '1' });
  });

  test('user audio shows a transcript of null and comes back with its audio when it is retrieved', () => {
    const harness = new SessionHarness();
    const audio = Buffer.alloc(4_800, 1).toString('base64');
    create(harness, { id: 'spoken', content: [{ type: 'input_audio', audio }] });
    expect(harness.only('conversation.item.done').item).toMatchObject({
      content: [{ type: 'input_audio', transcript: null }],
    });
    harness.send({ type: 'conversation.item.retrieve', item_id: 'spoken' });
    expect(harness.only('conversation.item.retrieved').item).toMatchObject({
      content: [{ type: 'input_audio', transcript: null, audio }],
    });
  });

  test('when there are too many items the oldest goes', () => {
    const harness = new SessionHarness();
    for (let i = 0; i <= conversationItemsMax; i += 1) create(harness, { id: `item ${i}` });
    harness.send({ type: 'conversation.item.retrieve', item_id: 'item 0' });
    expect(harness.lastError().code).toBe('item_retrieve_invalid_item_id');
    harness.send({ type: 'conversation.item.retrieve', item_id: 'item 1' });
    expect(harness.last('conversation.item.retrieved').item.id).toBe('item 1');
  });
});

test.each(['retrieve', 'delete', 'truncate'] as const)(
  'conversation.item.%s of an unknown item is refused',
  (doing) => {
    const harness = new SessionHarness();
    const truncation = doing === 'truncate' ? { content_index: 0, audio_end_ms: 10 } : {};
    harness.send({ type: `conversation.item.${doing}`, item_id: 'nobody', event_id: 'rci_nobody', ...truncation });
    expect(harness.lastError()).toMatchObject({ code: `item_${doing}_invalid_item_id`, event_id: 'rci_nobody' });
  },
);

test('a deleted item is gone, and the next one follows the one before it', () => {
  const harness = new SessionHarness();
  create(harness, { id: 'one' });
  create(harness, { id: 'two' });
  harness.send({ type: 'conversation.item.delete', item_id: 'two' });
  expect(harness.only('conversation.item.deleted').item_id).toBe('two');
  create(harness, { id: 'three' });
  expect(harness.last('conversation.item.added').previous_item_id).toBe('one');
});

describe('conversation.item.truncate', () => {
  test('is acknowledged, takes the transcript away and cuts the audio', () => {
    const harness = spoken();
    const itemId = assistantId(harness);
    truncate(harness, itemId, 1_000);
    expect(harness.only('conversation.item.truncated')).toMatchObject({
      item_id: itemId,
      content_index: 0,
      audio_end_ms: 1_000,
    });
    harness.send({ type: 'conversation.item.retrieve', item_id: itemId });
    const { item } = harness.only('conversation.item.retrieved');
    if (item.type !== 'message' || item.content[0]?.type !== 'output_audio') throw new Error('no audio message');
    expect(item.content[0]).not.toHaveProperty('transcript');
    expect(Buffer.from(item.content[0].audio ?? '', 'base64')).toHaveLength(48_000);
  });

  test('is refused one millisecond beyond the audio that was made', () => {
    const harness = spoken();
    const { samples } = prompt('receptionist-greeting');
    const lengthMs = Math.floor(samples.length / 24);
    truncate(harness, assistantId(harness), lengthMs + 1);
    expect(harness.lastError()).toMatchObject({ code: 'invalid_value', param: 'audio_end_ms', event_id: 'cut' });
    expect(harness.lastError().message).toContain(`Audio content of ${lengthMs}ms is already shorter than`);
    truncate(harness, assistantId(harness), lengthMs);
    expect(harness.of('conversation.item.truncated')).toHaveLength(1);
  });

  test('measures G.711 by its own octets', () => {
    const harness = new SessionHarness();
    harness.update({ audio: { output: { format: { type: 'audio/pcmu' } } } });
    harness.send({ type: 'response.create' });
    harness.clock.advance(20_000);
    const octets = harness.audioOf(harness.only('response.done').response.id).length;
    truncate(harness, assistantId(harness), Math.floor(octets / 8) + 1);
    expect(harness.lastError().code).toBe('invalid_value');
    truncate(harness, assistantId(harness), Math.floor(octets / 8));
    expect(harness.of('conversation.item.truncated')).toHaveLength(1);
  });

  test('is allowed while the item is still being said, against what was said so far', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(250);
    const itemId = assistantId(harness);
    const madeMs = harness.audioOf(harness.only('response.created').response.id).length / 48;
    truncate(harness, itemId, Math.floor(madeMs) + 1);
    expect(harness.lastError().code).toBe('invalid_value');
    truncate(harness, itemId, 100);
    expect(harness.of('conversation.item.truncated')).toHaveLength(1);
    harness.clock.advance(10_000);
    expect(harness.only('response.done').response.status).toBe('completed');
    expect(harness.last('conversation.item.done').item).toMatchObject({ content: [{ type: 'output_audio' }] });
    truncate(harness, itemId, 101);
    expect(harness.lastError().code).toBe('invalid_value');
  });

  test('of 0 ms is allowed', () => {
    const harness = spoken();
    truncate(harness, assistantId(harness), 0);
    expect(harness.only('conversation.item.truncated').audio_end_ms).toBe(0);
  });

  test('of what is not audio of the model is refused', () => {
    const harness = new SessionHarness();
    create(harness, { id: 'mine' });
    truncate(harness, 'mine', 10);
    expect(harness.lastError()).toMatchObject({ code: 'unsupported_content_type' });
    expect(harness.lastError().message).toContain('Only model output audio messages can be truncated');
  });
});

function create(harness: SessionHarness, item: Record<string, unknown>, previous?: string): void {
  const placement = previous === undefined ? {} : { previous_item_id: previous };
  harness.send({ type: 'conversation.item.create', item: message(item), ...placement });
}

function message(item: Record<string, unknown>) {
  return { type: 'message', role: 'user', content: [text('hello')], ...item };
}

function text(words: string) {
  return { type: 'input_text', text: words };
}

function spoken(): SessionHarness {
  const harness = new SessionHarness();
  harness.send({ type: 'response.create' });
  harness.clock.advance(20_000);
  return harness;
}

function assistantId(harness: SessionHarness): string {
  return harness.last('response.output_item.added').item.id;
}

function truncate(harness: SessionHarness, itemId: string, audioEndMs: number): void {
  harness.send({
    type: 'conversation.item.truncate',
    event_id: 'cut',
    item_id: itemId,
    content_index: 0,
    audio_end_ms: audioEndMs,
  });
}
