import type {
  Behaviour,
  BehaviourRun,
  CallerTurn,
  HeardTurn,
  PlannedOutput,
  ResponsePlan,
  ResponseRequest,
} from './behaviour';
import type { Speech } from './encoded-audio';
import type { Fault } from './fault';
import { wishOf } from './wishes';

/** One answer, and what the caller is taken to have said before it. */
export interface ScenarioTurn {
  caller: string | undefined;
  transcription: { delayMs: number | undefined; failure: { code: string; message: string } | undefined };
  delayMs: number;
  say: { text: string; speech: Speech } | undefined;
  calls: { name: string; argumentsText: string }[];
  failure: ResponsePlan['failure'];
  refusal: ResponsePlan['refusal'];
  faults: Fault[];
}

/** A scenario file with its recordings, checked and read. */
export interface Scenario {
  /** From the start of each session. */
  faults: Fault[];
  turns: ScenarioTurn[];
  /** What follows the last turn: it once more, or all of them again. */
  after: 'repeat-last' | 'start-again';
  /** Used whenever nobody spoke, or a check-in is asked for, if there is one. */
  idle: ScenarioTurn | undefined;
  /** Used whenever a farewell is asked for, if there is one. */
  farewell: ScenarioTurn | undefined;
}

/** Says and does what a file says, turn by turn. */
export function scenario(name: string, script: Scenario): Behaviour {
  return { name, open: () => new ScenarioRun(script) };
}

class ScenarioRun implements BehaviourRun {
  readonly listens = true;
  readonly #script: Scenario;
  #answered = 0;

  constructor(script: Scenario) {
    this.#script = script;
  }

  get faults(): readonly Fault[] {
    return this.#script.faults;
  }

  hear({ idle }: CallerTurn): HeardTurn {
    const turn = idle ? (this.#script.idle ?? this.#next()) : this.#next();
    // A transcriber that is given silence makes up a politeness.
    const transcript = turn?.caller ?? (idle ? 'Thank you.' : '(the caller says something)');
    return { transcript, delayMs: turn?.transcription.delayMs, failure: turn?.transcription.failure };
  }

  respond(request: ResponseRequest): ResponsePlan {
    const turn = this.#choose(request);
    if (turn === undefined) return { outputs: [] };
    const outputs: PlannedOutput[] = turn.calls.map((call) => ({ kind: 'function-call', ...call }));
    if (turn.say !== undefined) outputs.unshift({ kind: 'message', ...turn.say });
    const { delayMs, failure, refusal, faults } = turn;
    return { delayMs, outputs, failure, refusal, faults };
  }

  done(): void {
    // The next turn follows, however much of this one was heard.
  }

  #choose(request: ResponseRequest): ScenarioTurn | undefined {
    const { idle, farewell } = this.#script;
    const wish = wishOf(request);
    if (farewell !== undefined && wish === 'farewell') return farewell;
    if (idle !== undefined && (request.cause === 'idle' || wish === 'check-in')) return idle;
    const turn = this.#next();
    this.#answered += 1;
    return turn;
  }

  #next(): ScenarioTurn | undefined {
    const { turns, after } = this.#script;
    if (after === 'start-again') return turns[this.#answered % turns.length];
    return turns[Math.min(this.#answered, turns.length - 1)];
  }
}
