import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { decodeWav } from '../../src/audio/wav';
import { seededRandom, type Random } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { encodeWhole, pcmFormat, type AudioFormat, type PcmAudio } from '../../src/simulator/audio-format';
import type { Behaviour } from '../../src/simulator/behaviour';
import { parseBehaviour } from '../../src/simulator/behaviours';
import { parseScenario } from '../../src/simulator/scenario-file';
import { scenario } from '../../src/simulator/scenario';
import type { ServerEvent } from '../../src/simulator/server-events';
import { SimulatorSession, type SimulatorSessionOptions } from '../../src/simulator/session';

export const audioFolder = resolve(__dirname, '../../audio');

type EventType = ServerEvent['type'];
export type EventOf<Type extends EventType> = Extract<ServerEvent, { type: Type }>;

/** A simulated session on a virtual clock, with a client that remembers everything. */
export class SessionHarness {
  readonly clock = new VirtualClock();
  readonly session: SimulatorSession;
  readonly events: ServerEvent[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | undefined;
  aborted = false;
  /** Called for each event as it comes out, as a client in memory would be. */
  onEvent: ((event: ServerEvent) => void) | undefined;

  constructor({
    behaviour = behaviourOf('receptionist'),
    model = 'gpt-realtime-2',
    random = seededRandom(7),
    options = {},
  }: { behaviour?: Behaviour; model?: string; random?: Random; options?: SimulatorSessionOptions } = {}) {
    this.session = new SimulatorSession({
      clock: this.clock,
      random,
      behaviour,
      model,
      send: (event) => {
        this.events.push(event);
        this.onEvent?.(event);
      },
      sendText: (text) => this.texts.push(text),
      close: (code, reason) => (this.closed = { code, reason }),
      abort: () => (this.aborted = true),
      options,
    });
    this.session.start();
  }

  send(event: Record<string, unknown>): void {
    this.session.receive(JSON.stringify(event));
  }

  update(session: Record<string, unknown>): void {
    this.send({ type: 'session.update', session: { type: 'realtime', ...session } });
  }

  turnDetection(turn_detection: Record<string, unknown> | null): void {
    this.update({ audio: { input: { turn_detection } } });
  }

  /** Appends in frames of 20 ms and lets the time of each pass. */
  say(audio: PcmAudio, format: AudioFormat = pcmFormat): void {
    const bytes = encodeWhole(format, audio);
    const frameBytes = format.type === 'audio/pcm' ? 960 : 160;
    for (let start = 0; start < bytes.length; start += frameBytes) {
      this.append(bytes.subarray(start, start + frameBytes));
      this.clock.advance(20);
    }
  }

  append(bytes: Uint8Array): void {
    this.send({ type: 'input_audio_buffer.append', audio: Buffer.from(bytes).toString('base64') });
  }

  silence(lengthMs: number): void {
    this.say(silence(lengthMs));
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  only<Type extends EventType>(type: Type): EventOf<Type> {
    const found = this.of(type);
    if (found.length !== 1) throw new Error(`expected one ${type}, found ${found.length} in ${this.types().join(' ')}`);
    return found[0]!;
  }

  last<Type extends EventType>(type: Type): EventOf<Type> {
    const found = this.of(type).at(-1);
    if (found === undefined) throw new Error(`no ${type} in ${this.types().join(' ')}`);
    return found;
  }

  /** Event types without repetitions of the same one. */
  types(events: readonly ServerEvent[] = this.events): string[] {
    return events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
  }

  /** The error of the last event. */
  lastError() {
    const event = this.events.at(-1);
    if (event?.type !== 'error') throw new Error(`the last event is ${event?.type ?? 'missing'}, not an error`);
    return event.error;
  }

  forget(): void {
    this.events.length = 0;
  }

  /** All audio of one response, as it would reach the ear. */
  audioOf(responseId: string): Buffer {
    const deltas = this.of('response.output_audio.delta').filter(({ response_id }) => response_id === responseId);
    return Buffer.concat(deltas.map(({ delta }) => Buffer.from(delta, 'base64')));
  }
}

const behaviours = new Map<string, Behaviour>();

/** Behaviours serve any number of sessions, and reading the recordings takes time. */
export function behaviourOf(name: string): Behaviour {
  const known = behaviours.get(name);
  if (known !== undefined) return known;
  const parsed = parseBehaviour(name, { audioFolder });
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  behaviours.set(name, parsed.behaviour);
  return parsed.behaviour;
}

export function scenarioOf(json: unknown): Behaviour {
  const read = parseScenario(JSON.stringify(json), { folders: [audioFolder] });
  if (read.kind === 'invalid') throw new Error(read.reason);
  return scenario('scenario:test', read.scenario);
}

/** A shipped recording at 24 kHz. */
export function prompt(name: string): PcmAudio {
  const { samples } = decodeWav(readFileSync(resolve(audioFolder, `${name}.wav`)));
  return { samples, rateHz: 24_000 };
}

export function silence(lengthMs: number): PcmAudio {
  return { samples: new Int16Array(lengthMs * 24), rateHz: 24_000 };
}

/** A sine of `peak` (full scale is 1). */
export function sine({ hz, lengthMs, peak }: { hz: number; lengthMs: number; peak: number }): PcmAudio {
  const samples = Int16Array.from({ length: lengthMs * 24 }, (_, i) =>
    Math.round(peak * 32_767 * Math.sin((2 * Math.PI * hz * i) / 24_000)),
  );
  return { samples, rateHz: 24_000 };
}

/** White noise of a level in dB of full scale (RMS). */
export function noise({
  lengthMs,
  dbfs,
  random = seededRandom(3),
}: {
  lengthMs: number;
  dbfs: number;
  random?: Random;
}): PcmAudio {
  const peak = 32_767 * 10 ** (dbfs / 20) * Math.sqrt(3);
  return {
    samples: Int16Array.from({ length: lengthMs * 24 }, () => Math.round((2 * random.fraction() - 1) * peak)),
    rateHz: 24_000,
  };
}
