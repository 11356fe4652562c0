import type { Behaviour, BehaviourRun, MadeOutput, PlannedOutput, ResponseRequest } from './behaviour';
import type { RecordedSpeech } from './encoded-audio';
import { readPrompt } from './prompts';
import { wishOf } from './wishes';

/** The words of each recording, as they are spoken in the file. */
const script = {
  greeting: { file: 'receptionist-greeting.wav', words: 'Hello, you have reached Ringbridge. How can I help you?' },
  answers: [
    {
      file: 'receptionist-answer-1.wav',
      words: 'We are open from Monday to Friday, from nine in the morning until six in the evening.',
    },
    {
      file: 'receptionist-answer-2.wav',
      words: 'You will find us at 12 Station Road, on the second floor. The entrance is next to the bakery.',
    },
    {
      file: 'receptionist-answer-3.wav',
      words:
        'Why is it so hard to talk to a machine on the telephone? So we built a bridge. On one side is the telephone ' +
        'network, where every twenty milliseconds count. On the other is a voice that can listen and answer. ' +
        'Interrupt me at any time.',
    },
    {
      file: 'receptionist-answer-4.wav',
      words: 'I am sorry, I did not catch that. Could you say that again?',
    },
  ],
  checkIn: { file: 'receptionist-check-in.wav', words: 'Are you still there?' },
  goodbye: { file: 'receptionist-goodbye.wav', words: 'Thank you for calling. Goodbye.' },
};

interface Prompts {
  greeting: RecordedSpeech;
  answers: RecordedSpeech[];
  checkIn: RecordedSpeech;
  goodbye: RecordedSpeech;
}

export type Receptionist = { kind: 'behaviour'; behaviour: Behaviour } | { kind: 'invalid'; reason: string };

/**
 * Greets first, or when asked to; then gives its answers in turn, one for each thing that the caller says; asks whether
 * somebody is there when nobody speaks; says goodbye when asked to. It understands nothing.
 */
export function receptionist({ audioFolder }: { audioFolder: string }): Receptionist {
  const missing: string[] = [];
  const speechOf = ({ file, words }: { file: string; words: string }): RecordedSpeech[] => {
    const prompt = readPrompt({ file, folders: [audioFolder], transcript: words });
    if (prompt.kind === 'speech') return [prompt.speech];
    missing.push(prompt.reason);
    return [];
  };
  const [greeting] = speechOf(script.greeting);
  const answers = script.answers.flatMap(speechOf);
  const [checkIn] = speechOf(script.checkIn);
  const [goodbye] = speechOf(script.goodbye);
  if (missing.length > 0 || greeting === undefined || checkIn === undefined || goodbye === undefined) {
    return { kind: 'invalid', reason: missing[0] ?? 'the script is empty' };
  }
  const prompts = { greeting, answers, checkIn, goodbye };
  return { kind: 'behaviour', behaviour: { name: 'receptionist', open: () => new ReceptionistRun(prompts) } };
}

class ReceptionistRun implements BehaviourRun {
  readonly listens = true;
  readonly faults = [];
  readonly #prompts: Prompts;
  #state = { hasGreeted: false, answersGiven: 0 };
  #stateBefore = this.#state;

  constructor(prompts: Prompts) {
    this.#prompts = prompts;
  }

  hear({ idle }: { idle: boolean }): { transcript: string } {
    // A transcriber that is given silence makes up a politeness.
    return { transcript: idle ? 'Thank you.' : '(the caller says something)' };
  }

  respond(request: ResponseRequest): { outputs: PlannedOutput[] } {
    this.#stateBefore = this.#state;
    const speech = this.#choose(request);
    return { outputs: [{ kind: 'message', text: speech.transcript, speech }] };
  }

  done({ items }: MadeOutput): void {
    // Interrupted before the first sound: it was never said, so it comes next time.
    if (items === 0) this.#state = this.#stateBefore;
  }

  #choose(request: ResponseRequest): RecordedSpeech {
    const wish = wishOf(request);
    if (wish === 'farewell') return this.#prompts.goodbye;
    if (request.cause === 'idle' || wish === 'check-in') return this.#prompts.checkIn;
    const { hasGreeted, answersGiven } = this.#state;
    const { answers, greeting } = this.#prompts;
    if (!hasGreeted || wish === 'greeting') {
      this.#state = { hasGreeted: true, answersGiven };
      return greeting;
    }
    this.#state = { hasGreeted, answersGiven: answersGiven + 1 };
    return answers[answersGiven % answers.length] ?? greeting;
  }
}
