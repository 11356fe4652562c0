import type { CallEvent, CallSnapshot } from '../call/call-observer';
import type { Prompts } from '../call/prompts';
import type { Plan } from '../dialplan/plan';
import type { Digit } from '../media/media-leg';
import type { Random } from '../runtime/random';
import { isReached, unmetExpectations } from './expectations';
import type { CallScenario, ScenarioStep } from './scenario-schema';
import type { AgentLine, ModelSpoke } from './scripted-model';
import { ScriptedModel, unscriptedWords } from './scripted-model';
import { Stage } from './stage';
import { phoneVoice, speakingMs } from './voice';

/** One moment of a rehearsed call; `atMs` counts from the INVITE. */
export interface TimelineEntry {
  readonly atMs: number;
  readonly text: string;
}

export interface Rehearsal {
  readonly name: string;
  /** What did not come as the scenario expects; empty when all is well. */
  readonly failures: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  /** Of the call, in virtual time. */
  readonly lengthMs: number;
}

export interface RehearseOptions {
  readonly plan: Plan;
  readonly prompts: Prompts;
  readonly random: Random;
  /** What "mon 10:00" counts from, Unix milliseconds. */
  readonly nowMs: number;
}

/** Steps of virtual time; a frame of audio. */
const tickMs = 20;
/** What a step may wait for the other side. */
const patienceMs = 60_000;
/** So long after the last sound a sentence is over; no pause within one is as long. */
const hushMs = 300;
/** People begin to speak, or press the next key, this long after what they heard or did. */
const reactionMs = 400;
/** How long a caller listens whether anybody greets. */
const firstWordsMs = 1_500;
const keyIntervalMs = 250;
const soundLevel = 200;

/** Plays one scenario against a plan, in virtual time. Never rejects: what goes wrong is a failure of the rehearsal. */
export async function rehearse(scenario: CallScenario, options: RehearseOptions): Promise<Rehearsal> {
  return new Rehearser(scenario, options).run();
}

class StepFailed extends Error {}

class Rehearser {
  readonly #scenario: CallScenario;
  readonly #random: Random;
  readonly #stage: Stage;
  readonly #model: ScriptedModel;
  readonly #timeline: TimelineEntry[] = [];
  readonly #events: CallEvent[] = [];
  readonly #told: string[] = [];
  #snapshot: CallSnapshot | undefined;
  #agentSteps = 0;
  /** Frames that the caller heard and that were looked at. */
  #listened = 0;
  #soundAtMs: number | undefined;
  #sentenceAtMs: number | undefined;

  constructor(scenario: CallScenario, { plan, prompts, random, nowMs }: RehearseOptions) {
    this.#scenario = scenario;
    this.#random = random;
    this.#model = new ScriptedModel({
      lines: scenario.steps.flatMap((step) => (step.agent === undefined ? [] : [lineOf(step.agent)])),
      greetsFirst: scenario.steps[0]?.agent !== undefined,
      random,
      onSpoke: (spoke) => this.#onSpoke(spoke),
    });
    this.#stage = new Stage({
      plan,
      prompts,
      random,
      nowMs,
      call: scenario.call,
      tools: scenario.tools,
      destinations: scenario.destinations,
      onModelTold: (text) => this.#told.push(text),
      behaviour: this.#model,
      onEvent: (event, snapshot) => this.#onEvent(event, snapshot),
    });
  }

  async run(): Promise<Rehearsal> {
    const failures: string[] = [];
    const { steps, expect, name } = this.#scenario;
    this.#stage.calls.accept(this.#stage.caller.leg);
    await this.#until(() => this.#isUp() || this.#isOver(), 10_000);
    for (const [index, step] of steps.entries()) {
      try {
        await this.#play(step);
      } catch (cause) {
        if (!(cause instanceof StepFailed)) throw cause;
        failures.push(`step ${index + 1}: ${cause.message}`);
        break;
      }
    }
    if (failures.length === 0 && expect.ends !== undefined) await this.#until(() => this.#isOver(), patienceMs);
    else if (failures.length === 0 && expect.transferred_to !== undefined)
      await this.#until(() => this.#isTransferred(), patienceMs);
    else if (!this.#isOver()) await this.#stage.clock.advanceAsync(1_000);
    const snapshot = this.#snapshot;
    const lengthMs = this.#lengthMs();
    if (!this.#isOver()) this.#note('the scenario is over; the caller hangs up');
    const events = [...this.#events];
    this.#stage.caller.bye();
    await this.#stage.clock.advanceAsync(1_000);
    const saw = this.#stage.caller.saw;
    if (snapshot !== undefined)
      failures.push(...unmetExpectations(expect, { snapshot, events, saw, lengthMs, told: this.#told }));
    return { name, failures, timeline: this.#timeline, lengthMs };
  }

  async #play(step: ScenarioStep): Promise<void> {
    // Two answers in a row leave no pause between them: the second may be over before the first is known to be.
    if (step.agent !== undefined && this.#model.begun > this.#agentSteps && this.#isOver()) {
      this.#agentSteps += 1;
      return;
    }
    if (this.#isOver() || !this.#isUp())
      throw new StepFailed(`the call is ${this.#isOver() ? 'over' : 'not answered'}`);
    if (step.agent !== undefined) await this.#hearAgent(lineOf(step.agent));
    else if (step.caller !== undefined) await this.#speak(step.caller);
    else if (step.keys !== undefined) await this.#press(step.keys);
    else if (step.silence !== undefined) await this.#wait(step.silence);
    else this.#hangUp();
  }

  async #hearAgent(line: AgentLine): Promise<void> {
    this.#agentSteps += 1;
    const begun = await this.#until(() => this.#model.begun >= this.#agentSteps, patienceMs);
    if (!begun) throw new StepFailed(`the agent was not asked to speak within ${patienceMs / 1_000} s`);
    // The caller's next step may interrupt: only the beginning is waited for there.
    const next = this.#nextStep();
    const isInterrupted = typeof next?.caller === 'object' && next.caller.interrupts !== undefined;
    if (line.says !== undefined && isInterrupted) {
      await this.#until(() => this.#sentenceAtMs !== undefined, patienceMs);
      return;
    }
    const heard = await this.#until(() => this.#isHeardOut(), patienceMs + speakingMs(line.says ?? ''));
    if (!heard && !this.#isOver()) throw new StepFailed('the agent did not come to the end of what it said');
  }

  async #speak(line: NonNullable<ScenarioStep['caller']>): Promise<void> {
    const { says, for: length, interrupts } = typeof line === 'string' ? { says: line } : line;
    const lengthMs = length ?? speakingMs(says);
    if (interrupts === undefined) await this.#waitForQuiet();
    else await this.#wait((this.#sentenceAtMs ?? this.#now()) + interrupts - this.#now());
    if (this.#isOver()) throw new StepFailed('the call ended before the caller could speak');
    this.#note(`caller: ${says}`);
    this.#model.callerSays(says);
    this.#sentenceAtMs = undefined;
    this.#stage.phone?.say(phoneVoice({ lengthMs, random: this.#random }));
    await this.#wait(lengthMs);
  }

  /** Whoever answers a telephone is heard out before one speaks. */
  async #waitForQuiet(): Promise<void> {
    if (this.#soundAtMs === undefined) await this.#until(() => this.#soundAtMs !== undefined, firstWordsMs);
    await this.#until(() => !this.#model.answering && this.#isQuiet(), patienceMs);
    await this.#wait(reactionMs);
  }

  async #press(keys: string): Promise<void> {
    await this.#wait(reactionMs);
    for (const key of keys) {
      this.#note(`caller presses ${key}`);
      this.#stage.phone?.press(key as Digit);
      await this.#wait(keyIntervalMs);
    }
  }

  #hangUp(): void {
    this.#note('the caller hangs up');
    this.#stage.caller.bye();
  }

  async #wait(ms: number): Promise<void> {
    const untilMs = this.#now() + Math.max(0, ms);
    await this.#until(() => this.#now() >= untilMs, ms);
  }

  /** Lets time pass until something holds; false when it took too long. */
  async #until(holds: () => boolean, limitMs: number): Promise<boolean> {
    const limit = this.#now() + limitMs;
    while (!holds()) {
      if (this.#now() >= limit || this.#isOver()) return holds();
      await this.#stage.clock.advanceAsync(tickMs);
      this.#listen();
    }
    return true;
  }

  /** What the caller hears, for the end of a sentence. */
  #listen(): void {
    const heard = this.#stage.phone?.heard ?? [];
    for (const frame of heard.slice(this.#listened)) {
      if (!frame.samples.some((sample) => Math.abs(sample) > soundLevel)) continue;
      this.#soundAtMs = frame.atMs;
      this.#sentenceAtMs ??= frame.atMs;
    }
    this.#listened = heard.length;
  }

  #isHeardOut(): boolean {
    if (this.#model.made < this.#agentSteps) return false;
    if (!this.#isQuiet()) return false;
    this.#sentenceAtMs = undefined;
    return true;
  }

  #isQuiet(): boolean {
    // What is heard while a destination rings is nobody's speech.
    if (this.#isTransferring()) return true;
    return this.#now() - (this.#soundAtMs ?? -Infinity) >= hushMs;
  }

  #nextStep(): ScenarioStep | undefined {
    const { steps } = this.#scenario;
    let seen = 0;
    const at = steps.findIndex((step) => step.agent !== undefined && ++seen === this.#agentSteps);
    return steps[at + 1];
  }

  #onSpoke({ says, purpose, line }: ModelSpoke): void {
    const why = purpose === undefined ? '' : ` (${purpose})`;
    this.#note(`agent${why}: ${says ?? '(says nothing)'}`);
    if (line === undefined && says === unscriptedWords) this.#note('the model was asked for more than was written');
  }

  #onEvent(event: CallEvent, snapshot: CallSnapshot): void {
    this.#snapshot = snapshot;
    this.#events.push(event);
    const text = eventText(event);
    if (text !== undefined) this.#note(text);
  }

  #isUp(): boolean {
    return this.#snapshot?.state === 'active';
  }

  #isTransferring(): boolean {
    const [call] = this.#stage.calls.snapshots();
    return call?.transfers.some(({ outcome }) => outcome === undefined) === true;
  }

  #isTransferred(): boolean {
    return this.#stage.calls.snapshots().some(({ transfers }) => transfers.some(isReached));
  }

  #isOver(): boolean {
    return this.#snapshot?.state === 'ended';
  }

  #lengthMs(): number {
    const { answeredAtMs, endedAtMs } = this.#snapshot ?? {};
    return answeredAtMs === undefined ? 0 : (endedAtMs ?? this.#stage.clock.wallTimeMs()) - answeredAtMs;
  }

  #now(): number {
    return this.#stage.clock.now();
  }

  #note(text: string): void {
    this.#timeline.push({ atMs: Math.round(this.#now()), text });
  }
}

function lineOf(agent: NonNullable<ScenarioStep['agent']>): AgentLine {
  if (typeof agent === 'string') return { says: agent, lengthMs: undefined, calls: [], fails: undefined };
  return { says: agent.says, lengthMs: agent.for, calls: agent.calls ?? [], fails: agent.fails };
}

/** What is worth a line; undefined for the rest. */
function eventText(event: CallEvent): string | undefined {
  switch (event.kind) {
    case 'state':
      return event.to === 'active' ? 'the call is answered' : undefined;
    case 'barge-in':
      return `the caller interrupts after ${event.audioEndMs} ms`;
    case 'speech-gap':
      return `the model is late: a gap of ${event.ms} ms in the agent's words`;
    case 'idle-timeout':
      return `nobody spoke: ${event.decision} (by ${event.by})`;
    case 'murmur':
      return 'only a murmur: the agent goes on';
    case 'endless-speech':
      return "the caller's speech does not end: nobody waits for its end any longer";
    case 'push-to-talk':
      return event.pressed ? 'the caller opens a turn by the key' : 'the caller closes the turn by the key';
    case 'guarantee-broken':
      return `promise not kept: ${event.guarantee}, remedy: ${event.remedy}`;
    case 'transfer':
      return `destination ${event.destination}: ${event.outcome ?? 'is called'}`;
    case 'handoff':
      return `${event.from} hands over to ${event.to}: ${event.outcome} (${event.session ?? 'no'} session)`;
    case 'supervision':
      return `supervisor ${event.destination}: ${event.outcome ?? 'is called'}`;
    case 'function-call':
      return `tool ${event.name}: ${event.outcome}`;
    case 'model-error':
      return `the model reports ${event.code}`;
    case 'ended':
      return `the call ends: ${event.reason.kind}`;
    case 'agent-audio-started':
    case 'caller-speech-started':
    case 'caller-speech-stopped':
    case 'digit':
    case 'model-ready':
    case 'signalling-lost':
    case 'tool-started':
    case 'transcript':
      return undefined;
  }
}
