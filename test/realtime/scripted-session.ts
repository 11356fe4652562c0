import { agentSessionSchema } from '../../src/realtime/agent-schema';
import { memoryModel, type MemoryPeer } from '../../src/realtime/memory-connection';
import type { ModelEndpoint } from '../../src/realtime/model-connection';
import { RealtimeSession } from '../../src/realtime/session';
import type { FunctionTool } from '../../src/realtime/session-config';
import type { RealtimeSessionListener } from '../../src/realtime/session-listener';
import { silentLogger, type Logger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';

/** A client event as it reached the server. */
export type WireEvent = Record<string, unknown>;

/** What a listener was told: the method and its argument. */
export type Told = {
  [Method in keyof RealtimeSessionListener]: [Method, Parameters<RealtimeSessionListener[Method]>[0]];
}[keyof RealtimeSessionListener];

type ArgumentOf<Method extends keyof RealtimeSessionListener> = Parameters<RealtimeSessionListener[Method]>[0];

/** A listener that writes down what it hears. `react` is called after each. */
export function recordingListener(react: (told: Told) => void = () => undefined) {
  const told: Told[] = [];
  const listener = new Proxy({} as RealtimeSessionListener, {
    get: (_target, method) => (argument: unknown) => {
      const entry = [method, argument] as Told;
      told.push(entry);
      react(entry);
    },
  });
  return { told, listener };
}

export const endpoint: ModelEndpoint = {
  url: 'ws://127.0.0.1:1/v1/realtime',
  model: 'gpt-realtime-2',
  apiKey: undefined,
  headers: {},
};

export interface ScriptOptions {
  /** Keys of the agent beside its instructions. */
  agent?: Record<string, unknown>;
  tools?: FunctionTool[];
  framesPerAppend?: number;
  logger?: Logger;
  react?: (told: Told, session: RealtimeSession) => void;
}

/**
 * A session against a server that does only what the test says: `peer.send(event)`. Each of `receive` and `settle` moves
 * the clock by nothing, which delivers what was sent both ways.
 */
export function scriptedSession(options: ScriptOptions = {}) {
  const clock = new VirtualClock();
  const sent: WireEvent[] = [];
  let peer: MemoryPeer | undefined;
  const { told, listener } = recordingListener((entry) => options.react?.(entry, session));
  const session: RealtimeSession = RealtimeSession.open({
    connect: memoryModel({
      clock,
      accept: (accepted) => {
        peer = accepted;
        return { onMessage: (text) => sent.push(JSON.parse(text) as WireEvent), onClose: () => undefined };
      },
    }),
    endpoint,
    agent: agentSessionSchema.parse({ instructions: 'Be brief.', ...options.agent }),
    tools: options.tools ?? [],
    clock,
    logger: options.logger ?? silentLogger,
    random: seededRandom(1),
    listener,
    ...(options.framesPerAppend === undefined ? {} : { framesPerAppend: options.framesPerAppend }),
  });
  const settle = (): void => clock.advance(0);
  return {
    clock,
    session,
    told,
    sent,
    settle,
    get peer(): MemoryPeer {
      if (peer === undefined) throw new Error('the session has not connected yet');
      return peer;
    },
    /** Delivers events (or raw texts) from the server, and then what the session answered. */
    receive(...events: (Record<string, unknown> | string)[]): void {
      for (const event of events) this.peer.send(typeof event === 'string' ? event : JSON.stringify(event));
      settle();
    },
    /** Everything that was told to one method. */
    toldTo<Method extends keyof RealtimeSessionListener>(method: Method): ArgumentOf<Method>[] {
      return told.filter(([name]) => name === method).map(([, argument]) => argument as ArgumentOf<Method>);
    },
    /** Everything of one type that reached the server. */
    sentOf: (type: string): WireEvent[] => sent.filter((event) => event.type === type),
  };
}

export type ScriptedSession = ReturnType<typeof scriptedSession>;

/** A scripted session that is configured and ready. */
export function readySession(options: ScriptOptions = {}): ScriptedSession {
  const script = scriptedSession(options);
  script.settle();
  script.receive(
    serverEvent('session.created', { session: sessionObject() }),
    serverEvent('session.updated', { session: script.sent[0]?.session }),
  );
  return script;
}

let eventCount = 0;

/** An event as the server would send it. */
export function serverEvent(type: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  eventCount += 1;
  return { type, event_id: `event_${eventCount}`, ...fields };
}

export function sessionObject(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'realtime',
    object: 'realtime.session',
    id: 'sess_1',
    model: 'gpt-realtime-2',
    expires_at: 1_800_000_000,
    ...fields,
  };
}

/** `response.created` as turn detection makes it, or with the metadata of our own request. */
export function responseCreated(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const response = { object: 'realtime.response', id, status: 'in_progress', status_details: null, output: [] };
  return serverEvent('response.created', {
    response: { ...response, conversation_id: 'conv_1', usage: null, metadata: null, ...fields },
  });
}

export function responseDone(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const response = { object: 'realtime.response', id, status: 'completed', status_details: null, output: [] };
  return serverEvent('response.done', {
    response: { ...response, conversation_id: 'conv_1', usage: null, metadata: null, ...fields },
  });
}

export function audioDelta(responseId: string, bytes: Uint8Array, fields: Record<string, unknown> = {}) {
  return serverEvent('response.output_audio.delta', {
    response_id: responseId,
    item_id: `item_of_${responseId}`,
    output_index: 0,
    content_index: 0,
    delta: Buffer.from(bytes).toString('base64'),
    ...fields,
  });
}

/** `milliseconds` of PCM at 24 kHz whose samples count up. */
export function pcmBytes(milliseconds: number): Buffer {
  return Buffer.from(Int16Array.from({ length: milliseconds * 24 }, (_, index) => index & 0x7fff).buffer);
}

export function functionCallDone(responseId: string, callId: string, fields: Record<string, unknown> = {}) {
  const item = { id: `item_${callId}`, type: 'function_call', status: 'completed', name: 'look_up', call_id: callId };
  return serverEvent('response.output_item.done', {
    response_id: responseId,
    output_index: 0,
    item: { ...item, arguments: '{"order":7}', ...fields },
  });
}

export function errorEvent(error: Record<string, unknown>): Record<string, unknown> {
  return serverEvent('error', {
    error: { type: 'invalid_request_error', param: null, code: null, event_id: null, message: 'No.', ...error },
  });
}
