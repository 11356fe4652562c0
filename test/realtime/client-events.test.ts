import type { RealtimeClientEvent } from 'openai/resources/realtime/realtime';

import { agentSessionSchema } from '../../src/realtime/agent-schema';
import {
  appendMessage,
  itemDelete,
  itemTruncate,
  responseCancel,
  responseCreate,
  serialise,
  itemCreate,
  textItem,
  toolOutputCreate,
  type OrdinaryEvent,
} from '../../src/realtime/client-events';
import { sessionConfig } from '../../src/realtime/session-config';

// Compiles only while every event that we send is one that the API's own types allow.
const asApiEvent = (event: OrdinaryEvent): RealtimeClientEvent => event;

test('an append is the JSON that the API expects', () => {
  const base64 = Buffer.from(Array.from({ length: 960 }, (_, index) => index & 0xff)).toString('base64');
  const event = JSON.parse(appendMessage(base64)) as RealtimeClientEvent;
  expect(event).toEqual({ type: 'input_audio_buffer.append', audio: base64 });
});

test('every event carries its id, so that an error can name it', () => {
  const agent = agentSessionSchema.parse({ instructions: 'Hi.' });
  const events: OrdinaryEvent[] = [
    { type: 'session.update', event_id: 'e', session: sessionConfig({ agent, tools: [] }) },
    itemTruncate('e', { itemId: 'item_1', contentIndex: 0, audioEndMs: 120 }),
    itemDelete('e', 'item_1'),
    itemCreate('e', textItem({ role: 'user', text: 'Hello' })),
    toolOutputCreate('e', { callId: 'call_1', output: '{}' }),
    responseCreate('e', { instructions: undefined, metadata: {} }),
    responseCancel('e', 'resp_1'),
  ];
  for (const event of events)
    expect(JSON.parse(serialise(asApiEvent(event) as OrdinaryEvent))).toHaveProperty('event_id', 'e');
});

test('a response carries its event id as metadata too, because the server echoes nothing else', () => {
  expect(responseCreate('rb_7', { instructions: 'Say hello.', metadata: { purpose: 'greeting' } })).toEqual({
    type: 'response.create',
    event_id: 'rb_7',
    response: { instructions: 'Say hello.', metadata: { purpose: 'greeting', client_event_id: 'rb_7' } },
  });
});

test('a response without own instructions leaves those of the session in force', () => {
  const event = responseCreate('rb_7', { instructions: undefined, metadata: {} });
  expect(JSON.parse(serialise(event))).toEqual({
    type: 'response.create',
    event_id: 'rb_7',
    response: { metadata: { client_event_id: 'rb_7' } },
  });
});

test('texts of both roles are input_text', () => {
  for (const role of ['user', 'system'] as const) {
    expect(itemCreate('e', textItem({ role, text: 'Key 1 was pressed.' }))).toMatchObject({
      item: { type: 'message', role, content: [{ type: 'input_text', text: 'Key 1 was pressed.' }] },
    });
  }
});
