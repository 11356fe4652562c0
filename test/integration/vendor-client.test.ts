import { connect as connectTcp } from 'node:net';
import { dirname, join } from 'node:path';

import {
  OpenAIRealtimeWebSocket,
  RealtimeAgent,
  RealtimeSession,
  tool,
  type RealtimeItem,
} from '@openai/agents-realtime';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime';
import type { ClientOptions } from 'ws';
import { z } from 'zod';

import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import type { Behaviour } from '../../src/simulator/behaviour';
import { startSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from '../../src/simulator/server';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import { prompt, scenarioOf, SessionHarness, silence } from '../simulator/session-harness';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { until } from '../support/until';

// agents-js overlooks in silence what its schema refuses, and does not export the schema.
const agentsFolder = dirname(require.resolve('@openai/agents-realtime'));
const { realtimeServerEventSchema: agentsSchema } = jest.requireActual<{ realtimeServerEventSchema: z.ZodType }>(
  join(agentsFolder, 'openaiRealtimeEvents.js'),
);

const opened = closedAfterEach();

describe('the RealtimeSession of agents-js', () => {
  test('holds a turn in text', async () => {
    const { session, transport, history } = await openAgentsSession(
      scenarioOf({ turns: [{ say: 'From nine to six.' }] }),
    );
    session.sendMessage('What are your opening hours?');
    await until(() => transport.statuses().length === 1, 'the answer');
    expect(history()).toMatchObject([
      { role: 'user', content: [{ type: 'input_text', text: 'What are your opening hours?' }] },
      { role: 'assistant', content: [{ type: 'output_audio', transcript: 'From nine to six.' }] },
    ]);
    expect(transport.problems).toEqual([]);
    // Both of its updates, the session and the tracing, were answered.
    expect(transport.types().filter((type) => type === 'session.updated')).toHaveLength(2);
  });

  test('hears audio, is interrupted by speech, and truncates what was not played', async () => {
    const turns = [
      { caller: 'What are your opening hours?', say: 'A very long answer.', audio: 'speech:20s' },
      { caller: 'Sorry, wait a moment.', say: 'Of course.' },
    ];
    const { session, transport, history } = await openAgentsSession(scenarioOf({ turns }));
    let interruptions = 0;
    let audioBytes = 0;
    session.on('audio_interrupted', () => (interruptions += 1));
    session.on('audio', ({ data }) => (audioBytes += data.byteLength));
    speak(session, 'caller-question');
    await until(() => audioBytes > 48_000, 'a second of the answer');
    speak(session, 'caller-interruption');
    await until(() => transport.types().includes('conversation.item.truncated'), 'the truncation');
    expect(interruptions).toBe(1);
    await until(() => transport.statuses().length === 2, 'the end of the second answer');
    await until(() => heard(history()).length === 2, 'both transcripts');
    expect(transport.statuses()).toEqual(['cancelled', 'completed']);
    expect(said(history()).at(-1)).toBe('Of course.');
    expect(history().map((item) => ('role' in item ? item.role : item.type))).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    expect(heard(history())).toEqual(['What are your opening hours?', 'Sorry, wait a moment.']);
    expect(transport.problems).toEqual([]);
  });

  test('runs a tool and speaks its result', async () => {
    const orders: string[] = [];
    const lookUp = tool({
      name: 'lookup_order',
      description: 'Finds an order.',
      parameters: z.object({ order_id: z.string() }),
      execute: ({ order_id }) => {
        orders.push(order_id);
        return 'It is on its way.';
      },
    });
    const behaviour = scenarioOf({
      turns: [
        { say: 'One moment.', calls: [{ name: 'lookup_order', arguments: { order_id: '4711' } }] },
        { say: 'Your order is on its way.' },
      ],
    });
    const { session, transport, history } = await openAgentsSession(behaviour, { tools: [lookUp] });
    session.sendMessage('Where is my order?');
    await until(() => said(history()).includes('Your order is on its way.'), 'the answer after the tool');
    expect(orders).toEqual(['4711']);
    expect(history().find(({ type }) => type === 'function_call')).toMatchObject({
      name: 'lookup_order',
      status: 'completed',
      output: 'It is on its way.',
    });
    expect(transport.problems).toEqual([]);
  });
});

test('agents-js takes every event of a whole conversation for what it is, and passes over none', () => {
  const harness = new SessionHarness({
    behaviour: scenarioOf({
      turns: [
        { caller: 'Where is my order?', say: 'One moment.', calls: [{ name: 'lookup_order', arguments: { id: 1 } }] },
        { say: 'It is on its way.', audio: 'speech:20s' },
        { say: 'A note to myself.' },
        { error: { code: 'rate_limit_exceeded' } },
      ],
    }),
  });
  harness.turnDetection({ type: 'server_vad', silence_duration_ms: 700 });
  harness.update({ audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } } });
  harness.say(prompt('caller-question'));
  harness.silence(4_000);
  harness.send({ type: 'response.create' });
  harness.silence(400);
  const itemId = harness.last('response.output_item.added').item.id;
  harness.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: 10 });
  harness.send({ type: 'conversation.item.retrieve', item_id: itemId });
  harness.send({ type: 'conversation.item.delete', item_id: itemId });
  harness.send({ type: 'response.cancel' });
  harness.send({ type: 'response.create', response: { output_modalities: ['text'], conversation: 'none' } });
  harness.send({ type: 'response.create' });
  harness.send({ type: 'input_audio_buffer.clear' });
  harness.clock.advance(5_000);
  expect(new Set(harness.events.map(({ type }) => type)).size).toBeGreaterThan(25);
  expect(harness.events.filter((event) => !agentsSchema.safeParse(event).success)).toEqual([]);
});

describe('OpenAIRealtimeWS of openai', () => {
  test('speaks over a plain socket of its own making, with published types on both sides', async () => {
    const server = await startServer({
      behaviour: scenarioOf({ turns: [{ say: 'Hello there.', audio: 'tone:600:1s' }] }),
    });
    const { port } = new URL(server.url);
    // It dials wss whatever it is told; only the socket underneath can be plain.
    const createConnection = (() =>
      connectTcp({ host: '127.0.0.1', port: Number(port) })) as ClientOptions['createConnection'];
    await holdTurn(`http://127.0.0.1:${port}/v1`, { createConnection });
  });

  describeWith('openssl')('with a certificate', () => {
    test('speaks over TLS', async () => {
      const { cert, key } = selfSignedCertificate();
      const behaviour = scenarioOf({ turns: [{ say: 'Hello there.', audio: 'tone:600:1s' }] });
      const server = await startServer({ behaviour, tls: { cert, key } });
      await holdTurn(server.url.replace('wss:', 'https:').replace('/realtime', ''), { ca: cert });
    });
  });

  test('is told in band why it is refused', async () => {
    const server = await startServer({ behaviour: scenarioOf({ turns: [] }), acceptKey: () => false });
    const { port } = new URL(server.url);
    const createConnection = (() =>
      connectTcp({ host: '127.0.0.1', port: Number(port) })) as ClientOptions['createConnection'];
    const client = openClient(`http://127.0.0.1:${port}/v1`, { createConnection });
    const errors: (string | null | undefined)[] = [];
    client.on('error', ({ error }) => errors.push(error?.code));
    const closed = await new Promise<[number, string]>((resolve) =>
      client.socket.once('close', (code, reason) => resolve([code, reason.toString()])),
    );
    expect(errors).toEqual(['invalid_api_key']);
    expect(closed).toEqual([3000, 'invalid_request_error.invalid_api_key']);
  });

  async function holdTurn(baseURL: string, options: ClientOptions): Promise<void> {
    const client = openClient(baseURL, options);
    const events: RealtimeServerEvent[] = [];
    const errors: string[] = [];
    let audioBytes = 0;
    client.on('event', (event) => events.push(event));
    client.on('error', ({ message }) => errors.push(message));
    client.on('response.output_audio.delta', ({ delta }) => (audioBytes += Buffer.from(delta, 'base64').length));
    await until(() => events.length > 0, 'session.created');
    client.send({
      type: 'session.update',
      session: { type: 'realtime', audio: { output: { format: { type: 'audio/pcmu' } } } },
    });
    client.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello?' }] },
    });
    client.send({ type: 'response.create', response: { metadata: { purpose: 'test' } } });
    await until(() => events.some(({ type }) => type === 'response.done'), 'the answer');
    expect(errors).toEqual([]);
    expect(audioBytes).toBe(8_000);
    const done = events.find((event) => event.type === 'response.done');
    expect(done?.response).toMatchObject({ status: 'completed', metadata: { purpose: 'test' } });
  }
});

async function startServer(
  options: Partial<SimulatorServerOptions> & { behaviour: Behaviour },
): Promise<SimulatorServer> {
  return opened(
    await startSimulatorServer({
      address: '127.0.0.1',
      port: 0,
      clock: systemClock,
      random: seededRandom(4),
      logger: silentLogger,
      ...options,
    }),
  );
}

function openClient(baseURL: string, options: ClientOptions): OpenAIRealtimeWS {
  const client = new OpenAIRealtimeWS({ model: 'gpt-realtime-2', options }, new OpenAI({ apiKey: 'sk-test', baseURL }));
  opened({
    close: async () => {
      const closed = new Promise((resolve) => client.socket.once('close', resolve));
      if (client.socket.readyState === client.socket.CLOSED) return;
      client.close();
      await closed;
    },
  });
  return client;
}

async function openAgentsSession(behaviour: Behaviour, { tools = [] }: { tools?: ReturnType<typeof tool>[] } = {}) {
  const server = await startServer({ behaviour });
  const agent = new RealtimeAgent({ name: 'test', instructions: 'Be brief.', tools });
  const transport = new WatchedTransport({ url: `${server.url}?model=gpt-realtime-2` });
  const turnDetection = { type: 'server_vad', silenceDurationMs: 700, interruptResponse: true, createResponse: true };
  const session = new RealtimeSession(agent, { transport, config: { audio: { input: { turnDetection } } } });
  session.on('error', ({ error }) => transport.problems.push(error));
  opened({
    close: async () => {
      session.close();
      await until(() => server.connections.size === 0, 'the end of the connection');
    },
  });
  await session.connect({ apiKey: 'sk-test' });
  return { session, transport, history: () => session.history };
}

/** Remembers every event, and what the client did not understand. */
class WatchedTransport extends OpenAIRealtimeWebSocket {
  readonly events: RealtimeServerEvent[] = [];
  readonly problems: unknown[] = [];

  constructor({ url }: { url: string }) {
    super({ url });
    this.on('*', (event) => this.events.push(event as RealtimeServerEvent));
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** How each response ended. */
  statuses(): (string | undefined)[] {
    return this.events.flatMap((event) => (event.type === 'response.done' ? [event.response.status] : []));
  }
}

/** The whole recording at once, and a second of silence: turns are found by offsets, not by the wall clock. */
function speak(session: RealtimeSession, name: string): void {
  for (const { samples } of [prompt(name), silence(1_000)]) {
    session.sendAudio(samples.buffer.slice(samples.byteOffset, samples.byteOffset + samples.byteLength) as ArrayBuffer);
  }
}

function said(history: RealtimeItem[]): string[] {
  return transcripts(history, 'assistant');
}

function heard(history: RealtimeItem[]): string[] {
  return transcripts(history, 'user');
}

function transcripts(history: RealtimeItem[], role: 'assistant' | 'user'): string[] {
  return history.flatMap((item) => {
    if (item.type !== 'message' || item.role !== role) return [];
    return item.content.flatMap((content) =>
      'transcript' in content && content.transcript ? [content.transcript] : [],
    );
  });
}
