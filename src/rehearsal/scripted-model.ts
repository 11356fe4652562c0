import type { Random } from '../runtime/random';
import type {
  Behaviour,
  BehaviourRun,
  CallerTurn,
  HeardTurn,
  MadeOutput,
  PlannedOutput,
  ResponsePlan,
  ResponseRequest,
} from '../simulator/behaviour';
import { RecordedSpeech } from '../simulator/encoded-audio';
import { speakingMs, steadyVoice } from './voice';

/** One answer of the model, as the scenario wrote it. */
export interface AgentLine {
  readonly says: string | undefined;
  readonly lengthMs: number | undefined;
  readonly calls: readonly { tool: string; arguments: Record<string, unknown> }[];
  readonly fails: string | undefined;
}

/** What came of an answer. `purpose`: of those that the bridge asked for by itself, such as `greeting`. */
export interface ModelSpoke {
  readonly says: string | undefined;
  readonly purpose: string | undefined;
  /** Place in the script; undefined for an answer that the scenario did not write. */
  readonly line: number | undefined;
}

/** Shown when the model is asked for more than the scenario has. */
export const unscriptedWords = '(nothing in the scenario)';

/**
 * The model of a scenario: gives the answers that were written, in order, whenever a turn of the caller or the result of
 * a tool asks for one. What the bridge asks for with words of its own (greeting, filler, check-in, goodbye) uses up no
 * line, but for a greeting when the scenario begins with the agent.
 */
export class ScriptedModel implements Behaviour, BehaviourRun {
  readonly name = 'scenario';
  readonly listens = true;
  readonly faults = [];
  /** How many lines have been answered with, and how many of them were made to their end. */
  begun = 0;
  made = 0;
  /** True while an answer is being made, written or not. */
  answering = false;
  readonly #lines: readonly AgentLine[];
  readonly #greetsFirst: boolean;
  readonly #random: Random;
  readonly #onSpoke: (spoke: ModelSpoke) => void;
  readonly #callerWords: string[] = [];

  constructor(options: {
    lines: readonly AgentLine[];
    /** The scenario's first step is the agent's: its first line is what a greeting says. */
    greetsFirst: boolean;
    random: Random;
    onSpoke: (spoke: ModelSpoke) => void;
  }) {
    this.#lines = options.lines;
    this.#greetsFirst = options.greetsFirst;
    this.#random = options.random;
    this.#onSpoke = options.onSpoke;
  }

  open(): BehaviourRun {
    return this;
  }

  /** What the transcription will make of the caller's next turn. */
  callerSays(words: string): void {
    this.#callerWords.push(words);
  }

  hear({ idle }: CallerTurn): HeardTurn {
    // A transcriber that is given silence makes up a politeness.
    return { transcript: idle ? 'Thank you.' : (this.#callerWords.shift() ?? '(a sound)') };
  }

  respond(request: ResponseRequest): ResponsePlan {
    this.answering = true;
    const purpose = purposeOf(request);
    const isGreeting = purpose === 'greeting' && this.begun === 0 && this.#greetsFirst;
    if (purpose !== undefined && !isGreeting) return this.#speak(wordsOf(request), purpose);
    const line = this.#lines[this.begun];
    if (line === undefined) return this.#speak(unscriptedWords, purpose);
    this.begun += 1;
    this.#onSpoke({ says: line.says, purpose, line: this.begun });
    return this.#planOf(line);
  }

  done(_made: MadeOutput): void {
    this.made = this.begun;
    this.answering = false;
  }

  #speak(text: string, purpose: string | undefined): ResponsePlan {
    this.#onSpoke({ says: text, purpose, line: undefined });
    return { outputs: [this.#message(text, undefined)] };
  }

  #planOf({ says, lengthMs, calls, fails }: AgentLine): ResponsePlan {
    const outputs: PlannedOutput[] = calls.map((call) => {
      return { kind: 'function-call', name: call.tool, argumentsText: JSON.stringify(call.arguments) };
    });
    if (says !== undefined) outputs.unshift(this.#message(says, lengthMs));
    const failure =
      fails === undefined ? undefined : { type: 'server_error', code: fails, message: 'As the scenario says.' };
    return { outputs, failure };
  }

  #message(text: string, lengthMs: number | undefined): PlannedOutput {
    const samples = steadyVoice({ lengthMs: lengthMs ?? speakingMs(text), random: this.#random });
    const recording = { samples, rateHz: 24_000 as const };
    return { kind: 'message', text, speech: new RecordedSpeech({ transcript: text, recording }) };
  }
}

/** Undefined where the caller's turn, by voice or keys, or a tool's result asks for the answer. */
function purposeOf({ cause, metadata }: ResponseRequest): string | undefined {
  if (cause === 'idle') return 'check-in';
  const purpose = metadata?.['purpose'];
  return purpose === 'keys' ? undefined : purpose;
}

/** The bridge quotes what must be said word for word. */
function wordsOf({ instructions }: ResponseRequest): string {
  const quoted = /"(?:[^"\\]|\\.)*"/.exec(instructions ?? '')?.[0];
  try {
    return quoted === undefined
      ? (instructions ?? '(asks whether somebody is there)').slice(0, 200)
      : String(JSON.parse(quoted));
  } catch {
    return '(says something)';
  }
}
