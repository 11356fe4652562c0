import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { scenario, type Step } from './sipp-scenario';

export interface SippOptions {
  /** `127.0.0.1:PORT` of the bridge. */
  target: string;
  steps: readonly Step[];
  transport?: 'udp' | 'tcp';
  /** One line of fields for each call: what is dialled, the media port. */
  calls?: readonly (readonly (string | number)[])[];
  /** Further files beside the scenario, which it may name. */
  files?: Record<string, Buffer>;
  args?: readonly string[];
}

/** `code` 0: every call went as its scenario says. `output`: what sipp complains of, for a failed expectation. */
export interface SippResult {
  code: number | null;
  output: string;
}

export const wentWell: SippResult = { code: 0, output: '' };

export interface SippRun {
  readonly port: number;
  /** Lets the n-th call (from 1) go on from its `waitForCue`. Over UDP only. */
  cue(call?: number): void;
  readonly finished: Promise<SippResult>;
  /** Ends it early. Twice is fine. */
  close(): Promise<void>;
}

/** Longer than any scenario takes; then sipp gives up and says so. */
const timeoutSeconds = 110;

/** Starts sipp as the caller of all its calls at once. */
export async function startSipp(options: SippOptions): Promise<SippRun> {
  const { target, steps, transport = 'udp', calls = [['100']], files = {}, args = [] } = options;
  const port = await freeUdpPort();
  const folder = await mkdtemp(join(tmpdir(), 'ringbridge-sipp-'));
  const all = { ...files, 'scenario.xml': scenario(steps), 'calls.csv': csvOf(calls) };
  for (const [name, content] of Object.entries(all)) await writeFile(join(folder, name), content);
  const callIdEnd = `${port}@sipp`;
  const child = spawn(
    'sipp',
    [
      ...['-sf', 'scenario.xml', '-inf', 'calls.csv', '-m', String(calls.length), '-l', String(calls.length)],
      ...['-r', '50', '-i', '127.0.0.1', '-p', String(port), '-t', transport === 'udp' ? 'u1' : 't1'],
      ...['-cid_str', `%u-${callIdEnd}`, '-nostdin', '-trace_err', '-error_file', 'errors.log'],
      ...['-timeout', String(timeoutSeconds), '-timeout_error', ...args, target],
    ],
    { cwd: folder, env: { ...process.env, TERM: 'xterm' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString('latin1')).slice(-2_000)));
  const finished = once(child, 'close').then(async ([code]: unknown[]): Promise<SippResult> => {
    const errors = await readFile(join(folder, 'errors.log'), 'latin1').catch(() => '');
    await rm(folder, { recursive: true, force: true });
    return code === 0 ? wentWell : { code: code as number | null, output: `${errors.slice(-6_000)}${complaints}` };
  });
  let cues = 0;
  return {
    port,
    finished,
    cue: (call = 1) => sendCue({ port, callId: `${call}-${callIdEnd}`, number: (cues += 1) }),
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await finished;
    },
  };
}

/** Runs sipp to its end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  const run = await startSipp(options);
  return run.finished;
}

/** A port that was free a moment ago. */
export async function freeUdpPort(address = '127.0.0.1'): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A message of the call that only its scenario waits for. Each is another one, or sipp would take it for a repetition. */
function sendCue({ port, callId, number }: { port: number; callId: string; number: number }): void {
  const text = [
    `MESSAGE sip:sipp@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKcue${number}`,
    'From: <sip:test@127.0.0.1>;tag=test',
    `To: <sip:sipp@127.0.0.1:${port}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${number} MESSAGE`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const socket = createSocket('udp4');
  socket.send(text, port, '127.0.0.1', () => socket.close());
}

function csvOf(calls: readonly (readonly (string | number)[])[]): string {
  return ['SEQUENTIAL', ...calls.map((fields) => fields.join(';')), ''].join('\n');
}
