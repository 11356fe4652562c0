// The model of a load, in a process of its own: to each call it says that call's tone without end, and keeps what it hears.
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { Behaviour, BehaviourRun, PlannedOutput, ResponseRequest } from '../../src/simulator/behaviour';
import { startSimulatorServer } from '../../src/simulator/server';
import { SteadyTone } from '../../src/simulator/steady-tone';
import { isOwnAlone } from './listening';
import { cpuSeconds } from './machine';
import { lateness, Samples } from './samples';
import { agentToneHz, allTonesHz, callOfGreeting, callerToneHz, callsMax } from './tones';

/** From the parent process. */
export type SimulatorCommand = { kind: 'begin' } | { kind: 'end' };

/** To the parent process: `ready` once, then one `heard` for each `end`. */
export type SimulatorMessage = { kind: 'ready'; url: string } | ({ kind: 'heard' } & HeardByModel);

/** Between `begin` and `end`. */
export interface HeardByModel {
  /** How many calls were heard; of how many the tone was another call's, or not alone. */
  calls: number;
  wrongTones: number;
  /** Fewest and most milliseconds that a call's model was given. */
  leastMs: number;
  mostMs: number;
  /** Of appends, against start + n x 20 ms. */
  latenessMs: { p50: number; p99: number; max: number };
  cpuSeconds: number;
}

/** How long the tones sound: longer than any measurement, within what the bridge queues. */
const toneMs = Number(process.argv[2] ?? 0);
const rateHz = 24_000;
/** Of each so many seconds one is kept, to be listened to afterwards. */
const keepEvery = 10;

const ears: Ear[] = [];
let cpuAtBegin = 0;

/** What the model of one call hears. */
class Ear {
  call: number | undefined;
  readonly #seconds: Int16Array[] = [];
  readonly #arrivals: { index: number; atMs: number }[] = [];
  #samples = 0;
  #isListening = false;

  begin(): void {
    this.#samples = 0;
    this.#arrivals.length = 0;
    this.#seconds.length = 0;
    this.#isListening = true;
  }

  end(): void {
    this.#isListening = false;
  }

  readonly hear = (samples: Int16Array): void => {
    if (!this.#isListening) return;
    this.#arrivals.push({ index: this.#samples / (rateHz / 50), atMs: performance.now() });
    const second = Math.floor(this.#samples / rateHz);
    if (second % keepEvery === 0) this.#keep(samples, second / keepEvery, this.#samples % rateHz);
    this.#samples += samples.length;
  };

  get heardMs(): number {
    return (this.#samples * 1_000) / rateHz;
  }

  lateness(): number[] {
    return lateness(this.#arrivals);
  }

  /** Of what was kept, the first and the last whole second: is it the caller's tone, and no other? */
  isRight(): boolean {
    const { call } = this;
    const whole = this.#seconds.slice(0, Math.floor((this.#samples / rateHz + keepEvery - 1) / keepEvery));
    if (call === undefined || whole.length === 0) return false;
    const ownHz = callerToneHz(call);
    return isOwnAlone([...whole.slice(0, 1), ...whole.slice(-1)], { rateHz, ownHz, allHz: allTonesHz(callsMax) });
  }

  #keep(samples: Int16Array, slot: number, offset: number): void {
    const second = (this.#seconds[slot] ??= new Int16Array(rateHz));
    second.set(samples.subarray(0, rateHz - offset), offset);
  }
}

/** Says the tone of the call that the greeting names. */
class ToneAsAsked implements BehaviourRun {
  readonly listens = false;
  readonly faults = [];
  readonly ear = new Ear();

  hear(): { transcript: string } {
    return { transcript: '(a tone)' };
  }

  respond({ instructions }: ResponseRequest): { outputs: PlannedOutput[] } {
    const call = callOfGreeting(instructions);
    if (call === undefined) return { outputs: [] };
    this.ear.call = call;
    const speech = tones[call]?.speech({ startMs: 0, lengthMs: toneMs });
    return { outputs: speech === undefined ? [] : [{ kind: 'message', text: speech.transcript, speech }] };
  }

  done(): void {
    // Nothing is said twice.
  }
}

const tones = Array.from({ length: callsMax }, (_, call) => new SteadyTone(agentToneHz(call)));

async function main(): Promise<void> {
  let opened: ToneAsAsked | undefined;
  const behaviour: Behaviour = { name: 'tone as asked', open: () => (opened = new ToneAsAsked()) };
  const server = await startSimulatorServer({
    address: '127.0.0.1',
    port: 0,
    behaviour,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    // The server opens a session's behaviour right before it tells of the session.
    onSession: (session) => {
      if (opened === undefined) return;
      ears.push(opened.ear);
      session.heardAudio = opened.ear.hear;
    },
  });
  process.on('message', (command: SimulatorCommand) => onCommand(command));
  process.on('disconnect', () => process.exit());
  tell({ kind: 'ready', url: server.url });
}

function onCommand({ kind }: SimulatorCommand): void {
  if (kind === 'begin') {
    cpuAtBegin = cpuSeconds();
    for (const ear of ears) ear.begin();
    return;
  }
  const usedSeconds = cpuSeconds() - cpuAtBegin;
  for (const ear of ears) ear.end();
  tell({ kind: 'heard', ...summary(usedSeconds) });
}

function summary(usedSeconds: number): HeardByModel {
  const late = new Samples();
  const heardMs = new Samples();
  for (const ear of ears) {
    late.addAll(ear.lateness());
    heardMs.add(ear.heardMs);
  }
  return {
    calls: ears.length,
    wrongTones: ears.filter((ear) => !ear.isRight()).length,
    leastMs: heardMs.quantile(0),
    mostMs: heardMs.max,
    latenessMs: late.spread,
    cpuSeconds: usedSeconds,
  };
}

function tell(message: SimulatorMessage): void {
  process.send?.(message);
}

void main();
