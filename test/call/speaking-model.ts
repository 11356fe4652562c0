import type { Behaviour, ResponsePlan, ResponseRequest } from '../../src/simulator/behaviour';
import { RecordedSpeech } from '../../src/simulator/encoded-audio';

/** What a response is for; `answer` is what turn detection, a key or the bridge asks for at the end of a turn. */
export type SpokenFor = 'greeting' | 'answer' | 'check-in' | 'goodbye';

/** Each kind of speech has a level of its own, so that a test can tell what the caller hears. */
export const speechLevels: Record<SpokenFor, number> = {
  greeting: 6_000,
  answer: 7_000,
  'check-in': 8_000,
  goodbye: 9_000,
};

interface SpeakingModelOptions {
  lengthsMs?: Partial<Record<SpokenFor, number>>;
  /** Instead of speaking, for the response of this number, counted from 0. */
  plan?: (request: ResponseRequest, count: number) => ResponsePlan | undefined;
}

/** A model that says one steady sound for each purpose. `asked` is everything that was asked of it. */
export function speakingModel({ lengthsMs = {}, plan }: SpeakingModelOptions = {}): Behaviour & {
  asked: SpokenFor[];
} {
  const asked: SpokenFor[] = [];
  const speechFor = (what: SpokenFor) => {
    const lengthMs = lengthsMs[what] ?? 800;
    const samples = new Int16Array(lengthMs * 24).fill(speechLevels[what]);
    return new RecordedSpeech({ transcript: what, recording: { samples, rateHz: 24_000 } });
  };
  return {
    name: 'speaking',
    asked,
    open: () => ({
      listens: true,
      faults: [],
      hear: ({ idle }) => ({ transcript: idle ? 'Thank you for watching.' : 'Hello.', delayMs: 100 }),
      respond: (request) => {
        const what = purposeOf(request);
        const planned = plan?.(request, asked.length);
        asked.push(what);
        return planned ?? { outputs: [{ kind: 'message', text: what, speech: speechFor(what) }] };
      },
      done: () => undefined,
    }),
  };
}

function purposeOf({ cause, metadata }: ResponseRequest): SpokenFor {
  const purpose = metadata?.['purpose'] ?? '';
  if (purpose === 'greeting') return 'greeting';
  if (purpose === 'idle-goodbye') return 'goodbye';
  return cause === 'idle' || purpose === 'idle-check-in' ? 'check-in' : 'answer';
}
