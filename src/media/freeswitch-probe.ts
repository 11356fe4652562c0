import { createConnection, createServer } from 'node:net';

import type { Clock } from '../runtime/clock';

export interface EventSocketAddress {
  host: string;
  port: number;
  secret: string;
}

/** Looks whether a FreeSWITCH can be used; rejects with what is wrong, for an admin to read. */
export type ProbeFreeswitch = (address: EventSocketAddress, profile: string) => Promise<void>;

const replyBytesMax = 256 * 1_024;

/**
 * Everything that fsmrf's `connect` would not tell or would throw where nobody can catch it: a wrong password, an access
 * list, a profile that is not there. A connection of its own, closed at once.
 */
export function freeswitchProbe({ clock, deadlineMs }: { clock: Clock; deadlineMs: number }): ProbeFreeswitch {
  return ({ host, port, secret }, profile) =>
    new Promise((resolve, reject) => {
      const socket = createConnection({ host, port });
      const end = (problem?: string): void => {
        timer.cancel();
        socket.destroy();
        if (problem === undefined) resolve();
        else reject(new Error(problem));
      };
      const timer = clock.setTimer(deadlineMs, () => end(`no answer in ${deadlineMs} ms`));
      let received = '';
      socket.setEncoding('latin1');
      socket.on('error', (cause) => end(cause.message));
      socket.on('close', () => end('the connection was closed'));
      socket.on('data', (chunk: string) => {
        received += chunk;
        if (received.length > replyBytesMax) end('the reply is too long for an event socket');
        for (let message = take(); message !== undefined; message = take()) onMessage(message);
      });

      function take(): EventSocketMessage | undefined {
        const message = readMessage(received);
        if (message !== undefined) received = received.slice(message.length);
        return message;
      }

      function onMessage({ type, headers, body }: EventSocketMessage): void {
        if (type === 'auth/request') socket.write(`auth ${secret}\n\n`);
        else if (type === 'text/rude-rejection') end("FreeSWITCH's access list refuses us");
        else if (type === 'command/reply' && /^Reply-Text: \+OK accepted/m.test(headers)) {
          socket.write('api sofia status\n\n');
        } else if (type === 'command/reply') end('FreeSWITCH refused the secret');
        else if (type === 'api/response') end(hasProfile(body, profile) ? undefined : `no SIP profile ${profile} runs`);
      }
    });
}

/** Rejects when nothing can listen there: fsmrf would throw that where nobody can catch it. */
export async function checkListen(host: string, port: number): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, host, () => server.close(() => resolve()));
  });
}

interface EventSocketMessage {
  type: string;
  headers: string;
  body: string;
  /** Of all that was read. */
  length: number;
}

/** Headers, an empty line, and a body of `Content-Length`; undefined until all of it is there. */
function readMessage(text: string): EventSocketMessage | undefined {
  const end = text.indexOf('\n\n');
  if (end < 0) return undefined;
  const headers = text.slice(0, end);
  const bodyLength = Number(/^Content-Length: *(\d{1,9})$/m.exec(headers)?.[1] ?? 0);
  const length = end + 2 + bodyLength;
  if (text.length < length) return undefined;
  const type = /^Content-Type: *(\S+)$/m.exec(headers)?.[1] ?? '';
  return { type, headers, body: text.slice(end + 2, length), length };
}

/** The line of `sofia status` that fsmrf looks for. */
function hasProfile(status: string, profile: string): boolean {
  return status.split('\n').some((line) => {
    const [name, kind, address = '', state] = line.trim().split(/\s+/);
    return name === profile && kind === 'profile' && /^sip:mod_sofia@[\d.]+:\d+$/.test(address) && state === 'RUNNING';
  });
}
