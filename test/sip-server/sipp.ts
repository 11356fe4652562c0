import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How a run of sipp ended. `code` 0: every call went as its scenario says. */
export interface SippResult {
  code: number | null;
  /** The last screen, for a failed expectation's message. */
  output: string;
}

export interface SippRun {
  /** Local SIP port. */
  port: number;
  finished: Promise<SippResult>;
  /** Ends it early. */
  stop(): void;
}

/** From the project's folder, where jest and the benches run: compiled benches have no scenarios beside them. */
const scenarioFolder = path.resolve('test', 'sip-server', 'scenarios');

/** Starts sipp. A scenario is one of sipp's own (`uac`, `uas`) or a file of test/sip-server/scenarios. */
export async function startSipp(
  scenario: string,
  { target, args = [] }: { target?: string; args?: string[] },
): Promise<SippRun> {
  const port = await freeUdpPort();
  const folder = await mkdtemp(path.join(tmpdir(), 'ringbridge-sipp-'));
  const source = scenario.endsWith('.xml') ? ['-sf', path.join(scenarioFolder, scenario)] : ['-sn', scenario];
  const all = [...source, '-i', '127.0.0.1', '-p', String(port), '-nostdin', '-timeout', '90', ...args];
  const child = spawn('sipp', target === undefined ? all : [...all, target], {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm' },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('latin1')).slice(-6_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const finished = once(child, 'close').then(async ([code]: unknown[]) => {
    await rm(folder, { recursive: true, force: true });
    return { code: code as number | null, output };
  });
  return { port, finished, stop: () => void child.kill('SIGKILL') };
}

/** Runs sipp to its end. */
export async function runSipp(
  scenario: string,
  { target, args = [] }: { target?: string; args?: string[] },
): Promise<SippResult> {
  const run = await startSipp(scenario, { ...(target === undefined ? {} : { target }), args });
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
