import type { CallEvent, CallSnapshot, ToolRecord } from './call-observer';

/** On one call's record. */
const toolRecordsMax = 200;
const notesMax = 50;
const handoffsMax = 50;

type Remembered = Pick<
  CallSnapshot,
  'firstAudioAtMs' | 'interruptions' | 'speechGaps' | 'tools' | 'notes' | 'breaches' | 'handoffs' | 'signallingLostAtMs'
>;

/** What a call's record keeps of what has happened in it. */
export class CallHistory {
  #firstAudioAtMs: number | undefined;
  #signallingLostAtMs: number | undefined;
  #interruptions = 0;
  #speechGaps: CallSnapshot['speechGaps'] = { count: 0, totalMs: 0 };
  #tools: readonly ToolRecord[] = [];
  #notes: readonly string[] = [];
  #breaches: CallSnapshot['breaches'] = [];
  #handoffs: CallSnapshot['handoffs'] = [];

  /** As a snapshot has it: never written to again. */
  get remembered(): Remembered {
    return {
      firstAudioAtMs: this.#firstAudioAtMs,
      signallingLostAtMs: this.#signallingLostAtMs,
      interruptions: this.#interruptions,
      speechGaps: this.#speechGaps,
      tools: this.#tools,
      notes: this.#notes,
      breaches: this.#breaches,
      handoffs: this.#handoffs,
    };
  }

  /** `atMs`: Unix milliseconds. */
  add(event: CallEvent, atMs: number): void {
    switch (event.kind) {
      case 'barge-in':
        this.#interruptions += 1;
        return;
      case 'speech-gap':
        this.#speechGaps = { count: this.#speechGaps.count + 1, totalMs: this.#speechGaps.totalMs + event.ms };
        return;
      case 'function-call': {
        const { name, outcome, failure, durationMs } = event;
        if (this.#tools.length < toolRecordsMax) this.#tools = [...this.#tools, { name, outcome, failure, durationMs }];
        return;
      }
      case 'guarantee-broken': {
        const { guarantee, remedy, atMs: brokenAtMs } = event;
        this.#breaches = [...this.#breaches, { guarantee, remedy, atMs: brokenAtMs }];
        return;
      }
      case 'handoff': {
        const { kind: _kind, ...handoff } = event;
        if (this.#handoffs.length < handoffsMax) this.#handoffs = [...this.#handoffs, handoff];
        return;
      }
      case 'agent-audio-started':
        this.#firstAudioAtMs ??= atMs;
        return;
      case 'signalling-lost':
        this.#signallingLostAtMs ??= atMs;
        return;
      case 'caller-speech-started':
      case 'caller-speech-stopped':
      case 'digit':
      case 'endless-speech':
      case 'ended':
      case 'idle-timeout':
      case 'model-error':
      case 'model-ready':
      case 'murmur':
      case 'push-to-talk':
      case 'state':
      case 'supervision':
      case 'tool-started':
      case 'transcript':
      case 'transfer':
    }
  }

  /** Keeps a note of the agent's. */
  note(text: string): 'kept' | 'full' {
    if (this.#notes.length >= notesMax) return 'full';
    this.#notes = [...this.#notes, text];
    return 'kept';
  }
}
