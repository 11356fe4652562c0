import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import type { SipServerAddresses, SipServerCommand, SipServerMeasure, SipServerMessage } from './sip-server';

/** The SIP server of a load (`sip-server.ts`), seen from the process that started it. */
export class SipServerProcess {
  readonly addresses: SipServerAddresses;
  readonly #child: ChildProcess;

  /** Resolves when it listens. */
  static async start(): Promise<SipServerProcess> {
    const child = fork(join(__dirname, 'sip-server.js'));
    const message = await nextMessage(child);
    if (message.kind !== 'ready') throw new Error('the SIP server did not start');
    return new SipServerProcess(child, message);
  }

  private constructor(child: ChildProcess, addresses: SipServerAddresses) {
    this.#child = child;
    this.addresses = addresses;
  }

  async measure(): Promise<SipServerMeasure> {
    const measured = nextMessage(this.#child);
    this.#child.send({ kind: 'measure' } satisfies SipServerCommand);
    const message = await measured;
    if (message.kind !== 'measured') throw new Error('the SIP server did not tell what it had done');
    return message;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

function nextMessage(child: ChildProcess): Promise<SipServerMessage> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the SIP server ended'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as SipServerMessage);
    });
  });
}
