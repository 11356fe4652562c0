import { agentSessionSchema } from '../../src/realtime/agent-schema';
import { RealtimeSession } from '../../src/realtime/session';
import { webSocketModel } from '../../src/realtime/websocket-connection';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { parseBehaviour } from '../../src/simulator/behaviours';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server';
import { recordingListener } from '../realtime/scripted-session';
import { until } from '../support/until';

let simulator: SimulatorServer;

beforeAll(async () => {
  const parsed = parseBehaviour('tone:600:3');
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  simulator = await startSimulatorServer({
    address: '127.0.0.1',
    port: 0,
    behaviour: parsed.behaviour,
    clock: systemClock,
    random: seededRandom(2),
    logger: silentLogger,
  });
});

afterAll(() => simulator.close());

async function withSession(agent: Record<string, unknown>, talk: (script: ReturnType<typeof open>) => Promise<void>) {
  const script = open(agent);
  try {
    await until(() => script.toldTo('onReady').length > 0, 'the session to be ready');
    await talk(script);
    expect(script.toldTo('onError')).toEqual([]);
    expect(script.session.stats).toMatchObject({ messagesRejected: 0, eventsUnknown: 0 });
  } finally {
    script.session.close();
    await until(() => script.toldTo('onEnded').length > 0, 'the session to end');
  }
  expect(script.toldTo('onEnded')).toEqual([{ kind: 'closed' }]);
}

function open(agent: Record<string, unknown>) {
  const { told, listener } = recordingListener();
  const session = RealtimeSession.open({
    connect: webSocketModel({ clock: systemClock, logger: silentLogger }),
    endpoint: { url: simulator.url, model: 'gpt-realtime-2', apiKey: undefined, headers: {} },
    agent: agentSessionSchema.parse({ instructions: 'Be brief.', ...agent }),
    tools: [{ name: 'look_up', description: 'Finds an order.', parameters: { type: 'object', properties: {} } }],
    clock: systemClock,
    logger: silentLogger,
    random: seededRandom(1),
    listener,
  });
  const toldTo = (method: string): unknown[] =>
    told.filter(([name]) => name === method).map(([, argument]) => argument);
  const samplesHeard = (): number =>
    told.reduce((sum, [method, argument]) => sum + (method === 'onAudio' ? argument.samples.length : 0), 0);
  return { session, told, toldTo, samplesHeard };
}

test.each([
  ['pcm', 24_000],
  ['pcmu', 8_000],
  ['pcma', 8_000],
])('an agent with every option is accepted, and its answer in %s is whole', async (audio_format, rateHz) => {
  const agent = {
    audio_format,
    voice: 'cedar',
    speed: 1.1,
    noise_reduction: 'near_field',
    transcription: { model: 'gpt-4o-mini-transcribe', language: 'en', prompt: 'Orders.' },
    turn_detection: { type: 'server_vad', silence: '300ms', idle_timeout: '30s' },
    max_output_tokens: 4_000,
  };
  await withSession(agent, async ({ session, told, toldTo, samplesHeard }) => {
    session.createResponse({ instructions: 'Say something.', metadata: { purpose: 'test' } });
    await until(() => toldTo('onResponseDone').length > 0, 'the answer');
    expect(toldTo('onResponseDone')).toMatchObject([{ status: 'completed', usage: { outputAudioTokens: 60 } }]);
    expect(samplesHeard()).toBe(3 * rateHz);
    const order = told.map(([method]) => method).filter((method) => method !== 'onAudio' && method !== 'onTranscript');
    expect(order).toEqual(['onReady', 'onResponseStarted', 'onAudioDone', 'onResponseDone']);
  });
});

test('semantic turn detection is accepted', async () => {
  await withSession({ turn_detection: { type: 'semantic_vad' } }, () => Promise.resolve());
});

test('responses queue, a cancel ends one early, truncation and items are accepted', async () => {
  await withSession({}, async ({ session, told, toldTo }) => {
    session.createResponse();
    session.createResponse();
    await until(() => toldTo('onAudio').length > 0, 'audio');
    const heard = told.find(([method]) => method === 'onAudio');
    if (heard?.[0] !== 'onAudio') throw new Error('no audio');
    session.cancelResponse();
    const { itemId, contentIndex } = heard[1];
    expect(session.truncate({ itemId, contentIndex, audioEndMs: 1e9 })).toBeGreaterThan(0);
    session.createItem({ role: 'system', text: 'The caller pressed 1.' });
    session.createItem({ role: 'user', text: 'Hello?' });
    await until(() => toldTo('onResponseDone').length === 1, 'the cancelled response');
    session.deleteItem(itemId);
    session.createResponse();
    await until(() => toldTo('onResponseDone').length === 2, 'the next response');
    expect(toldTo('onResponseDone')).toMatchObject([
      { status: 'cancelled', reason: 'client_cancelled' },
      { status: 'completed' },
    ]);
  });
});

test('a tool name that the API does not allow refuses the session', async () => {
  const { told, listener } = recordingListener();
  RealtimeSession.open({
    connect: webSocketModel({ clock: systemClock, logger: silentLogger }),
    endpoint: { url: simulator.url, model: 'gpt-realtime-2', apiKey: undefined, headers: {} },
    agent: agentSessionSchema.parse({ instructions: 'Be brief.' }),
    tools: [{ name: 'orders.look_up', description: '', parameters: { type: 'object' } }],
    clock: systemClock,
    logger: silentLogger,
    random: seededRandom(1),
    listener,
  });
  await until(() => told.length > 0, 'the refusal');
  expect(told).toMatchObject([['onEnded', { kind: 'refused' }]]);
});
