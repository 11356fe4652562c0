import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import type { HeardByModel, SimulatorCommand, SimulatorMessage } from './tone-simulator';

/** The model of a load (`tone-simulator.ts`), seen from the process that started it. */
export class ToneSimulatorProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  /** Resolves when it listens. */
  static async start({ toneMs }: { toneMs: number }): Promise<ToneSimulatorProcess> {
    const child = fork(join(__dirname, 'tone-simulator.js'), [String(toneMs)]);
    const message = await nextMessage(child);
    if (message.kind !== 'ready') throw new Error('the simulator did not start');
    return new ToneSimulatorProcess(child, message.url);
  }

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  begin(): void {
    this.#command({ kind: 'begin' });
  }

  async end(): Promise<HeardByModel> {
    const heard = nextMessage(this.#child);
    this.#command({ kind: 'end' });
    const message = await heard;
    if (message.kind !== 'heard') throw new Error('the simulator did not tell what it heard');
    return message;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #command(command: SimulatorCommand): void {
    this.#child.send(command);
  }
}

function nextMessage(child: ChildProcess): Promise<SimulatorMessage> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the simulator ended'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as SimulatorMessage);
    });
  });
}
