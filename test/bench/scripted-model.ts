import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** One of the client's events that a measurement looks at. */
export interface Truncated {
  itemId: string;
  audioEndMs: number;
  arrivedMs: number;
}

const appendPrefix = '{"type":"input_audio_buffer.append","audio":"';

/**
 * A Realtime server that does what a measurement tells it, at once, and nothing else: it accepts every session as it is
 * asked for. One session at a time.
 */
export class ScriptedModel {
  readonly #server: WebSocketServer;
  #socket: WebSocket | undefined;
  #count = 0;
  /** Told of each append: its PCM, and when its message arrived (before it was read). */
  onAppend: (audio: Buffer, arrivedMs: number) => void = () => undefined;
  onTruncated: (truncated: Truncated) => void = () => undefined;

  static async start(): Promise<ScriptedModel> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    await once(server, 'listening');
    return new ScriptedModel(server);
  }

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#socket = socket;
      socket.on('message', (data) => this.#onMessage((data as Buffer).toString('latin1'), performance.now()));
      this.#send({ type: 'session.created', session: { id: 'sess_bench' } });
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/realtime`;
  }

  /** A response begins to speak: all of `audio` (PCM, 24 kHz) in deltas of 200 ms. Returns the ids of what it said. */
  say(audio: Int16Array): { responseId: string; itemId: string } {
    this.#count += 1;
    const ids = { responseId: `resp_${this.#count}`, itemId: `item_${this.#count}` };
    this.#send({ type: 'response.created', response: this.#response(ids.responseId, 'in_progress') });
    const bytes = Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength);
    for (let start = 0; start < bytes.length; start += deltaBytes) {
      const delta = bytes.toString('base64', start, Math.min(bytes.length, start + deltaBytes));
      this.#send({ type: 'response.output_audio.delta', ...place(ids), delta });
    }
    return ids;
  }

  /** The response is over. */
  finish(ids: { responseId: string; itemId: string }, status: 'completed' | 'cancelled'): void {
    this.#send({ type: 'response.output_audio.done', ...place(ids) });
    this.#send({ type: 'response.done', response: this.#response(ids.responseId, status) });
  }

  /** The caller is heard to speak. */
  speechStarted(): void {
    this.#send({ type: 'input_audio_buffer.speech_started', item_id: `item_caller_${this.#count}`, audio_start_ms: 0 });
  }

  speechStopped(): void {
    this.#send({ type: 'input_audio_buffer.speech_stopped', item_id: `item_caller_${this.#count}`, audio_end_ms: 0 });
  }

  async close(): Promise<void> {
    this.#socket?.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #onMessage(text: string, arrivedMs: number): void {
    if (text.startsWith(appendPrefix)) {
      this.onAppend(Buffer.from(text.slice(appendPrefix.length, -2), 'base64'), arrivedMs);
      return;
    }
    const event = JSON.parse(text) as ClientEvent;
    if (event.type === 'session.update') {
      this.#send({ type: 'session.updated', session: { ...event.session, id: 'sess_bench' } });
    } else if (event.type === 'conversation.item.truncate') {
      this.onTruncated({ itemId: event.item_id, audioEndMs: event.audio_end_ms, arrivedMs });
    }
  }

  #response(id: string, status: string) {
    return { object: 'realtime.response', id, status, output: [], conversation_id: 'conv_bench', metadata: null };
  }

  #send(event: Record<string, unknown>): void {
    this.#socket?.send(JSON.stringify({ event_id: 'event_bench', ...event }));
  }
}

const deltaBytes = (24_000 * 2) / 5;

function place({ responseId, itemId }: { responseId: string; itemId: string }) {
  return { response_id: responseId, item_id: itemId, output_index: 0, content_index: 0 };
}

interface SessionUpdate {
  type: 'session.update';
  session: Record<string, unknown>;
}

interface ItemTruncate {
  type: 'conversation.item.truncate';
  item_id: string;
  audio_end_ms: number;
}

type ClientEvent = SessionUpdate | ItemTruncate | { type: 'response.create' };
