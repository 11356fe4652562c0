import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import type { Clock, Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import { Secret } from '../runtime/secret';
import { runInSlices } from '../runtime/steps';
import type { Steps } from '../runtime/steps';
import { planSteps } from './build-plan';
import type { PlanRead } from './file-read';
import type { Plan } from './plan';
import type { PlanAttempt, PlanLoader } from './plan-attempt';
import { problemCodes } from './plan-problem';
import type { PlanRecording } from './plan-recordings';
import type { PlanFileEntry } from './plan-schema';
import type { PlanSource } from './plan-source';
import type { RouteEntry } from './route-schema';
import { SharedRecordings } from './shared-recordings';
import type { PlanPiece, ReadAnswer, ReadRequest } from './plan-worker';

export interface PlanThreadOptions {
  clock: Clock;
  /** Where secrets of the form `env:NAME` stand. */
  env: Readonly<Record<string, string | undefined>>;
  /** What a load may take, thread and all. */
  loadMsMax?: number;
  /** What the thread's heap may take. */
  heapMbMax?: number;
  /** How long a thread without work is kept: starting one costs more than reading a small plan. */
  idleMs?: number;
  /** The compiled thread. */
  workerFile?: string;
}

/** How long this thread may be busy with a plan before others get their turn. A frame is due every 20 ms. */
const sliceMs = 2;
/** Most of what a parser makes is garbage soon, and collecting it often is dear. */
const youngHeapMb = 96;

/**
 * Reads and checks dialplans in a thread of their own, so that not even a hostile one makes a call stutter; what was
 * checked comes back in pieces as plain data, and the plan is built of it here, a few milliseconds at a time. A thread
 * that crashes, hangs or needs too much memory is a refused plan (DP007), and the next load starts another one.
 */
export class PlanThread implements PlanLoader {
  readonly #options: Required<PlanThreadOptions>;
  readonly #recordings = new SharedRecordings();
  #worker: Worker | undefined;
  #idle: Timer | undefined;
  #loads: Promise<unknown> = Promise.resolve();
  #abandon: ((fault: string) => void) | undefined;
  #closed = false;

  constructor(options: PlanThreadOptions) {
    this.#options = { loadMsMax: 30_000, heapMbMax: 512, idleMs: 10_000, workerFile: compiledWorker(), ...options };
  }

  /** True while there is a thread. */
  get running(): boolean {
    return this.#worker !== undefined;
  }

  load(folder: string, { secretsFolder = folder }: { secretsFolder?: string } = {}): Promise<PlanAttempt> {
    return this.#inTurn({ kind: 'folder', folder, secretsFolder });
  }

  /** Makes a plan again of what it was read from. Never rejects. */
  loadSource(source: PlanSource): Promise<PlanAttempt> {
    return this.#inTurn({ kind: 'source', source });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#abandon?.('the bridge is closing');
    await this.#end();
  }

  #inTurn(from: ReadRequest['from']): Promise<PlanAttempt> {
    const load = this.#loads.then(() => this.#load(from));
    this.#loads = load;
    return load;
  }

  async #load(from: ReadRequest['from']): Promise<PlanAttempt> {
    if (this.#closed) return failed('the bridge is closing');
    this.#idle?.cancel();
    const { port1: pieces, port2: far } = new MessageChannel();
    try {
      const answer = await this.#ask({ from, pieces: far });
      const { digest, warnings } = answer;
      const steps = receivedPlan(pieces, answer, this.#recordings);
      const { plan, source } = await runInSlices(steps, { clock: this.#options.clock, sliceMs });
      const common = { source, digest, warnings };
      if (answer.kind === 'refused') return { kind: 'refused', problems: answer.problems, ...common };
      return plan === undefined ? failed('the thread sent no plan') : { kind: 'loaded', plan, ...common };
    } catch (cause) {
      await this.#end();
      return failed(messageOf(cause));
    } finally {
      pieces.close();
      if (this.#worker !== undefined) this.#rest();
    }
  }

  /** Rejects when there is no answer in time, or never will be. */
  #ask(request: ReadRequest): Promise<ReadAnswer> {
    const { clock, loadMsMax, heapMbMax } = this.#options;
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    return new Promise<ReadAnswer>((resolve, reject) => {
      const fail = (fault: string): void => reject(new Error(fault));
      const timer = clock.setTimer(loadMsMax, () => fail(`reading it took longer than ${loadMsMax / 1_000} s`));
      const settle = (): void => {
        timer.cancel();
        this.#abandon = undefined;
        worker.removeAllListeners('message').removeAllListeners('messageerror').removeAllListeners('exit');
      };
      this.#abandon = (fault) => {
        settle();
        fail(fault);
      };
      worker.once('message', (answer: ReadAnswer) => {
        settle();
        resolve(answer);
      });
      worker.once('messageerror', (cause) => this.#abandon?.(messageOf(cause)));
      worker.once('exit', (code) => this.#abandon?.(`the thread that reads it ended with ${code}`));
      this.#onError = (cause) => {
        const { code } = cause as { code?: string };
        const isMemory = code === 'ERR_WORKER_OUT_OF_MEMORY';
        this.#abandon?.(isMemory ? `reading it takes more than ${heapMbMax} MB of memory` : messageOf(cause));
      };
      worker.postMessage(request, [request.pieces]);
    });
  }

  #onError: (cause: unknown) => void = () => undefined;

  #start(): Worker {
    const { heapMbMax, workerFile, env } = this.#options;
    const worker = new Worker(workerFile, {
      env: { ...env },
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax, maxYoungGenerationSizeMb: youngHeapMb },
    });
    // Always listened to: without a listener an error in the thread would be one of this process.
    worker.on('error', (cause) => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#onError(cause);
    });
    return worker;
  }

  /** Keeps the thread for the next load, and not for ever; it does not keep the process up. */
  #rest(): void {
    const { clock, idleMs } = this.#options;
    this.#worker?.unref();
    this.#idle = clock.setTimer(idleMs, () => void this.#end());
  }

  async #end(): Promise<void> {
    this.#idle?.cancel();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Takes in what the thread sent, one piece a step, and builds the plan; undefined when it was refused. */
function* receivedPlan(
  pieces: MessagePort,
  answer: ReadAnswer,
  shared: SharedRecordings,
): Steps<{ plan: Plan | undefined; source: PlanSource }> {
  const reads = new Map<string, PlanRead>();
  let outside: Omit<PlanSource, 'reads'> = nothingOutside;
  const instructions = new Map<string, string>();
  const calendars = new Map<string, readonly number[]>();
  const modules = new Map<string, string>();
  const recordings = new Map<string, PlanRecording>();
  const secrets = new Map<string, Secret>();
  const entries: PlanFileEntry[] = [];
  let piece = nextPiece(pieces);
  for (; piece !== undefined && piece.kind !== 'routes'; piece = nextPiece(pieces)) {
    if (piece.kind === 'read') reads.set(piece.name, piece.read);
    else if (piece.kind === 'outside') outside = piece;
    else if (piece.kind === 'instructions') instructions.set(piece.name, piece.text);
    else if (piece.kind === 'calendar') calendars.set(piece.name, piece.days);
    else if (piece.kind === 'module') modules.set(piece.name, piece.version);
    else if (piece.kind === 'recording') recordings.set(piece.name, shared.share(piece.recording));
    else if (piece.kind === 'secret') secrets.set(piece.reference, new Secret(piece.value));
    else entries.push(piece.entry);
    yield;
  }
  const { names, secretNames, variables, secretFiles } = outside;
  const source = { names, secretNames, variables, secretFiles, reads };
  if (answer.kind === 'refused') return { plan: undefined, source };
  const { hash, files } = answer;
  const texts = { instructions, calendars, modules, recordings };
  const routeEntries = receivedRoutes(pieces, piece);
  const plan = yield* planSteps({ hash, files, entries, routeEntries, texts, secrets });
  return { plan, source };
}

/** They come last, and are taken in when they are built. */
function* receivedRoutes(pieces: MessagePort, first: PlanPiece | undefined): Generator<RouteEntry> {
  for (let piece = first; piece !== undefined; piece = nextPiece(pieces)) {
    invariant(piece.kind === 'routes', 'routes come last');
    yield* piece.routes;
  }
}

function nextPiece(pieces: MessagePort): PlanPiece | undefined {
  return (receiveMessageOnPort(pieces) as { message: PlanPiece } | undefined)?.message;
}

const nothingOutside: Omit<PlanSource, 'reads'> = {
  names: [],
  secretNames: new Set(),
  variables: new Map(),
  secretFiles: new Map(),
};

function failed(fault: string): PlanAttempt {
  const source: PlanSource = { ...nothingOutside, reads: new Map() };
  const problem = {
    code: problemCodes.loaderFailed,
    severity: 'error',
    file: '',
    position: undefined,
    message: `the dialplans cannot be read: ${fault}`,
    expected: undefined,
    nearest: undefined,
  } as const;
  return { kind: 'refused', problems: [problem], warnings: [], source, digest: '' };
}

/** A thread runs what was compiled, also where the rest runs from its sources. */
function compiledWorker(): string {
  const beside = join(__dirname, 'plan-worker.js');
  return existsSync(beside) ? beside : join(__dirname, '..', '..', 'dist', 'dialplan', 'plan-worker.js');
}
