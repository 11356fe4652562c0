import { decodeWhole } from './audio-format';
import type { Behaviour, BehaviourRun, PlannedOutput, ResponseRequest } from './behaviour';
import { RecordedSpeech, type Speech } from './encoded-audio';
import { SteadyTone } from './steady-tone';

/** What is said when there is nothing to play back. */
const beep = { hz: 800, lengthMs: 300 };

/** Plays back what the caller said last, as it was heard: padding and final silence included. */
export function echo(): Behaviour {
  const tone = new SteadyTone(beep.hz);
  return { name: 'echo', open: () => new EchoRun(tone.speech({ startMs: 0, lengthMs: beep.lengthMs })) };
}

class EchoRun implements BehaviourRun {
  readonly listens = true;
  readonly faults = [];
  readonly #beep: Speech;

  constructor(beepSpeech: Speech) {
    this.#beep = beepSpeech;
  }

  hear({ idle }: { idle: boolean }): { transcript: string } {
    return { transcript: idle ? 'Thank you.' : '(something to be repeated)' };
  }

  respond({ cause, callerAudio }: ResponseRequest): { outputs: PlannedOutput[] } {
    if (cause === 'idle' || callerAudio === undefined) return message('(beep)', this.#beep);
    const transcript = '(the caller, repeated)';
    const recording = decodeWhole(callerAudio.format, callerAudio.bytes);
    return message(transcript, new RecordedSpeech({ transcript, recording }));
  }

  done(): void {
    // Each turn is played once, however much of it was heard.
  }
}

function message(text: string, speech: Speech): { outputs: PlannedOutput[] } {
  return { outputs: [{ kind: 'message', text, speech }] };
}
