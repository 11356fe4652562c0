import type { Behaviour, BehaviourRun, MadeOutput, PlannedOutput } from './behaviour';
import { SteadyTone } from './steady-tone';

/**
 * Answers everything with `lengthMs` of a sine that goes on where the last answer stopped, as if it had never paused. It
 * does not listen: a caller who sends a tone of his own interrupts nothing, so that both can be measured.
 */
export function toneBehaviour({ hz, lengthMs, name }: { hz: number; lengthMs: number; name: string }): Behaviour {
  const tone = new SteadyTone(hz);
  return { name, open: () => new ToneRun(tone, lengthMs) };
}

class ToneRun implements BehaviourRun {
  readonly listens = false;
  readonly faults = [];
  readonly #tone: SteadyTone;
  readonly #lengthMs: number;
  #saidMs = 0;

  constructor(tone: SteadyTone, lengthMs: number) {
    this.#tone = tone;
    this.#lengthMs = lengthMs;
  }

  hear(): { transcript: string } {
    return { transcript: '(a tone)' };
  }

  respond(): { outputs: PlannedOutput[] } {
    const speech = this.#tone.speech({ startMs: this.#saidMs, lengthMs: this.#lengthMs });
    return { outputs: [{ kind: 'message', text: speech.transcript, speech }] };
  }

  done({ audioMs }: MadeOutput): void {
    this.#saidMs += audioMs;
  }
}
