import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import { parseBehaviour } from '../../src/simulator/behaviours';
import { startSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from '../../src/simulator/server';
import { eventually } from './eventually';

export type ModelEvent = Record<string, unknown> & { type: string };

/** One connection of the bridge to the model. */
export interface TappedSession {
  /** In order, as they passed: `model` said it, or `bridge` did. */
  readonly events: { by: 'model' | 'bridge'; event: ModelEvent }[];
  /** 20 ms each. */
  framesHeard: number;
}

/** A simulator with an ear on the line to it: every event of each session, and what the model hears. */
export class ModelUnderTap {
  readonly sessions: TappedSession[] = [];
  /** Waited for before an event of the model goes on to the bridge; the events behind it wait too. */
  beforeModelEvent: ((event: ModelEvent) => Promise<void> | undefined) | undefined;
  /** Told of every event of the bridge, as it comes. */
  onBridgeEvent: (event: ModelEvent) => void = () => undefined;
  readonly #simulator: SimulatorServer;
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0 });

  private constructor(simulator: SimulatorServer) {
    this.#simulator = simulator;
    this.#server.on('connection', (bridge, { url }) => this.#onBridge(bridge, url ?? ''));
  }

  static async start(behaviour: string, options: Partial<SimulatorServerOptions> = {}): Promise<ModelUnderTap> {
    const parsed = parseBehaviour(behaviour);
    if (parsed.kind === 'invalid') throw new Error(parsed.reason);
    const model = new ModelUnderTap(
      await startSimulatorServer({
        address: '127.0.0.1',
        port: 0,
        behaviour: parsed.behaviour,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        ...options,
      }),
    );
    await once(model.#server, 'listening');
    return model;
  }

  /** Connections of the bridge that are up. */
  get open(): number {
    return this.#server.clients.size;
  }

  /** For a bridge whose agents name no model. */
  get env(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { RINGBRIDGE_REALTIME_URL: `ws://127.0.0.1:${port}/v1/realtime` };
  }

  /** Until the model has heard so much in its first session. */
  heardSeconds(seconds: number): Promise<void> {
    const enough = (): boolean => (this.sessions[0]?.framesHeard ?? 0) >= seconds * 50;
    return eventually(enough, `${seconds} s at the model`, seconds * 1_000 + 60_000);
  }

  /** What the model heard in a session, at 24 kHz. */
  heard(session = 0): Int16Array {
    const appended = this.events(session, 'bridge', 'input_audio_buffer.append');
    const bytes = Buffer.concat(appended.map(({ audio }) => Buffer.from(audio as string, 'base64')));
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  /** The events of one side and one type. */
  events(session: number, by: 'model' | 'bridge', type: string): ModelEvent[] {
    const { events = [] } = this.sessions[session] ?? {};
    return events.filter((one) => one.by === by && one.event.type === type).map(({ event }) => event);
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#simulator.close();
  }

  #onBridge(bridge: WebSocket, url: string): void {
    const session: TappedSession = { events: [], framesHeard: 0 };
    this.sessions.push(session);
    const model = new WebSocket(new URL(url, this.#simulator.url));
    const opened = once(model, 'open');
    let toBridge: Promise<unknown> = Promise.resolve();
    bridge.on('message', (data: Buffer) => {
      const text = data.toString();
      const event = JSON.parse(text) as ModelEvent;
      session.events.push({ by: 'bridge', event });
      this.onBridgeEvent(event);
      if (event.type === 'input_audio_buffer.append') session.framesHeard += 1;
      if (model.readyState === WebSocket.OPEN) model.send(text);
      else void opened.then(() => model.send(text));
    });
    model.on('message', (data: Buffer) => {
      const text = data.toString();
      const event = JSON.parse(text) as ModelEvent;
      const wait = this.beforeModelEvent?.(event);
      if (wait !== undefined) toBridge = toBridge.then(() => wait);
      toBridge = toBridge.then(() => {
        session.events.push({ by: 'model', event });
        if (bridge.readyState === WebSocket.OPEN) bridge.send(text);
      });
    });
    model.on('close', () => bridge.close());
    bridge.on('close', () => model.close());
    for (const socket of [model, bridge]) socket.on('error', () => socket.terminate());
  }
}
