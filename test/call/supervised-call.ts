import { ToneGenerator } from '../../src/audio/tone';
import type { SupervisionMode } from '../../src/dialplan/destination-schema';
import type { SupervisionRecord, SupervisionReply } from '../../src/call/supervision-record';
import type { Destination } from '../../src/dialplan/destination';
import type { MemoryPhone } from '../../src/media/memory-leg';
import { levelDb } from '../support/spectrum';
import { pcmuOffer, type VirtualCallOptions } from '../support/virtual-call';
import { finishResponse, part, startResponse } from './model-lines';
import { destination, TransferringCall } from './transferring-call';

// Whoever is heard is known by their tone.
export const agentHz = 610;
export const callerHz = 1_004;
export const supervisorHz = 440;
export const humanHz = 730;

export const boss = destination('boss', { supervises: ['listen', 'whisper', 'take-over'] });

export function tone(hz: number, ms: number, rateHz = 8_000): Int16Array {
  const samples = new Int16Array((ms * rateHz) / 1_000);
  new ToneGenerator(rateHz, hz, -14).fill(samples);
  return samples;
}

/** A call that a supervisor looks in on; the test plays model, caller, supervisor and whoever else is called. */
export class SupervisedCall extends TransferringCall {
  #said = 0;

  constructor(destinations: readonly Destination[] = [destination('sales')], options: VirtualCallOptions = {}) {
    super(destinations, options);
  }

  get callId(): string {
    return this.events[0]!.snapshot.callId;
  }

  begin(mode: SupervisionMode, whom: Destination = boss): SupervisionReply {
    return this.calls.supervise(this.callId, { kind: 'begin', destination: whom, mode });
  }

  change(mode: SupervisionMode): SupervisionReply {
    return this.calls.supervise(this.callId, { kind: 'mode', mode });
  }

  stop(): SupervisionReply {
    return this.calls.supervise(this.callId, { kind: 'end' });
  }

  /** The supervisor is called, and answers. */
  async supervised(mode: SupervisionMode, whom: Destination = boss): Promise<this> {
    expect(this.begin(mode, whom)).toEqual({ kind: 'done' });
    await this.run(40);
    this.callee.answer(pcmuOffer);
    await this.run(40);
    return this;
  }

  get supervisor(): MemoryPhone {
    return this.calleePhone('boss');
  }

  get supervisions(): readonly SupervisionRecord[] {
    return this.events.at(-1)?.snapshot.supervisions ?? [];
  }

  /** The model says its tone. */
  agentSays(ms: number): void {
    this.#said += 1;
    const [itemId, responseId] = [`item_tone_${this.#said}`, `resp_tone_${this.#said}`];
    startResponse(this, { itemId, responseId });
    const delta = Buffer.from(tone(agentHz, ms, 24_000).buffer).toString('base64');
    this.say({ type: 'response.output_audio.delta', ...part(itemId, responseId), delta });
    finishResponse(this, { itemId, responseId });
  }

  /** Everybody makes their sound for a while. */
  async allSpeak(ms: number): Promise<void> {
    this.agentSays(ms);
    this.phone.say(tone(callerHz, ms));
    this.supervisor.say(tone(supervisorHz, ms));
    await this.run(ms);
  }

  /** What the model got as the caller's audio since a time, at 24 kHz. */
  heardByModel(sinceMs: number): Int16Array {
    const parts = this.sent('input_audio_buffer.append')
      .filter(({ atMs }) => atMs > sinceMs)
      .map(({ event }) => Buffer.from(String(event.audio), 'base64'));
    const bytes = Buffer.concat(parts);
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  /** Speech that the model was told beside the caller's, with its text. */
  whispers(): { text: string; samples: Int16Array; bytes: Buffer; session: number }[] {
    return this.sent('conversation.item.create').flatMap(({ event, session }) => {
      const { content = [] } = event.item as { content?: { type: string; text?: string; audio?: string }[] };
      const audio = content.find(({ type }) => type === 'input_audio')?.audio;
      if (audio === undefined) return [];
      const bytes = Buffer.from(audio, 'base64');
      const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~1)));
      return [{ text: content[0]?.text ?? '', samples, bytes, session }];
    });
  }
}

export function heardBy(phone: MemoryPhone, sinceMs: number): Int16Array {
  const frames = phone.heard.filter(({ atMs }) => atMs > sinceMs).map(({ samples }) => samples);
  const frameLength = frames[0]?.length ?? 0;
  const all = new Int16Array(frames.length * frameLength);
  frames.forEach((frame, index) => all.set(frame, index * frameLength));
  return all;
}

/** Whose tones are in it. */
export function voicesIn(samples: Int16Array, rateHz = 8_000): string[] {
  const voices = { agent: agentHz, caller: callerHz, supervisor: supervisorHz, human: humanHz };
  return Object.entries(voices).flatMap(([who, hz]) => (levelDb(samples, rateHz, hz) > -40 ? [who] : []));
}
