import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import type { ToWorker } from './messages';

/** A process that was started, as its parent sees it. */
export interface Child {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Does nothing when it is gone. */
  send(message: ToWorker): void;
  /** At once, without a chance to tidy up. */
  kill(): void;
}

/** What a child tells its parent. `onGone` comes once and last: nothing that it had sent is still on its way. */
export interface ChildListener {
  onMessage(message: unknown): void;
  /** A line of its standard output, where nothing of ours prints. */
  onLine(line: string): void;
  /** `how`: what is known of the end, such as `signal SIGKILL`. */
  onGone(how: string): void;
}

export type StartChild = (listener: ChildListener) => Child;

/** A line that goes on for longer is cut into several. */
const lineLengthMax = 65_536;

/** Starts `worker.js` beside this file; standard error is shared with it. */
export const forkWorker: StartChild = (listener) => {
  const child = fork(join(__dirname, 'worker.js'), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let how = 'no process could be started';
  // Its exit, its last messages and its last lines come in any order.
  let awaited = 0;
  const await1 = (): (() => void) => {
    awaited += 1;
    return () => {
      awaited -= 1;
      if (awaited === 0) listener.onGone(how);
    };
  };
  const onExit = await1();
  child.once('exit', (code, signal) => {
    how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
    onExit();
  });
  child.once('disconnect', await1());
  child.on('message', (message) => listener.onMessage(message));
  child.on('error', (error) => {
    if (child.pid !== undefined) return;
    how = error.message;
    onExit();
  });
  if (child.stdout !== null) readLines(child.stdout, (line) => listener.onLine(line), await1());
  return {
    pid: child.pid,
    send: (message) => {
      // The callback keeps a channel that breaks in this moment from becoming an error event.
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
};

function readLines(stream: Readable, onLine: (line: string) => void, onEnd: () => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length <= lineLengthMax) return;
    onLine(rest);
    rest = '';
  });
  stream.once('close', () => {
    if (rest !== '') onLine(rest);
    onEnd();
  });
  stream.on('error', () => undefined);
}
