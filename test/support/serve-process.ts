import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

import { freePorts, makeBridgeFolders, readJournal, type JournalLine, type LogLine, type TestPlan } from './bridge';
import { eventually } from './eventually';

const projectFolder = resolve(__dirname, '..', '..');
export const ringbridgeProgram = join(projectFolder, 'bin', 'ringbridge.js');

/** A worker of a served bridge, as its log tells. */
export interface ServedWorker {
  worker: number;
  pid: number;
  rtpPorts: { first: number; last: number };
}

/** `ringbridge serve` as a process of its own, as it is installed: the built program. */
export class ServeProcess {
  readonly exited: Promise<number | null>;
  /** Every line of its log so far. */
  readonly log: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #folders: { folder: string; data: string };
  #told = '';

  private constructor(child: ChildProcess, folders: { folder: string; data: string }) {
    this.#child = child;
    this.#folders = folders;
    this.exited = once(child, 'close').then(([code]: unknown[]) => code as number | null);
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (line) => void this.log.push(JSON.parse(line) as LogLine));
    }
    child.stderr?.on('data', (chunk: Buffer) => (this.#told += chunk.toString()));
  }

  static async start(plan: TestPlan, env: Record<string, string> = {}, args: string[] = []): Promise<ServeProcess> {
    const { env: ownEnv, ...folders } = await makeBridgeFolders(plan);
    return ServeProcess.#spawn({ args, cwd: projectFolder, env: { ...ownEnv, ...env }, folders });
  }

  /** In a folder that somebody set up, by its defaults; only ports are of the system's choice. The folder goes with it. */
  static startIn(
    folder: string,
    env: Record<string, string> = {},
    program: string = ringbridgeProgram,
  ): Promise<ServeProcess> {
    const folders = { folder, data: join(folder, 'data') };
    return ServeProcess.#spawn({ args: [], cwd: folder, env: { ...freePorts, ...env }, folders, program });
  }

  static async #spawn({
    args,
    cwd,
    env,
    folders,
    program = ringbridgeProgram,
  }: {
    args: string[];
    cwd: string;
    env: Record<string, string>;
    folders: { folder: string; data: string };
    program?: string;
  }): Promise<ServeProcess> {
    const child = spawn(process.execPath, [program, 'serve', ...args], {
      cwd,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const served = new ServeProcess(child, folders);
    await served.tells('http://').catch(async (cause: unknown) => {
      await served.close();
      throw cause;
    });
    return served;
  }

  /** `127.0.0.1:PORT` of the UDP listener, from the banner. */
  get sip(): string {
    return /udp:(\S+)/.exec(this.#told)?.[1] ?? '';
  }

  /** `ADDRESS:PORT` of its HTTP server, from the banner. */
  get http(): string {
    return /http:\/\/([\d.:]+)/.exec(this.#told)?.[1] ?? '';
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Every worker that has come up, in that order. */
  workers(): ServedWorker[] {
    return this.log.filter(({ msg }) => msg === 'worker is up') as unknown as ServedWorker[];
  }

  /** Status of a page of its HTTP server. */
  async status(path: string): Promise<number> {
    return (await this.#get(path)).status;
  }

  async body(path: string): Promise<string> {
    return (await this.#get(path)).text();
  }

  /** Puts a text in place of its dialplan; whether and when that is read is its own affair. */
  writeDialplan(text: string): Promise<void> {
    return writeFile(join(this.#folders.folder, 'dialplans', '10-test.yaml'), text);
  }

  /** `ringbridge reload`: what came of it, and the plan that is in force then. */
  async reload(): Promise<{ status: number; hash: string }> {
    const response = await this.#get('/dialplan/reload', {
      method: 'POST',
      body: '{}',
      headers: { connection: 'close', 'content-type': 'application/json', 'x-ringbridge': 'test' },
    });
    const { hash } = (await response.json()) as { hash: string };
    return { status: response.status, hash };
  }

  /** One sample of /metrics, such as `ringbridge_calls_started_total`; 0 when there is none. */
  async metric(sample: string): Promise<number> {
    const line = (await this.body('/metrics')).split('\n').find((one) => one.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1) ?? 0);
  }

  /** Until that text was written for the person at the terminal. */
  tells(text: string): Promise<void> {
    const ended = (): boolean => this.#child.exitCode !== null;
    return eventually(() => this.#told.includes(text) || ended(), `${text} of ringbridge`).then(() => {
      if (!this.#told.includes(text)) throw new Error(`ringbridge ended: ${this.#told}`);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  journal(): Promise<JournalLine[]> {
    return readJournal(this.#folders.data);
  }

  #get(path: string, init: RequestInit = { headers: { connection: 'close' } }): Promise<Response> {
    return fetch(`http://${this.http}${path}`, init);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.exited;
    await rm(this.#folders.folder, { recursive: true, force: true });
  }
}

/** Compiles what is in `src` now, unless that was done; `npm test` has. Installs nothing. */
export function buildIfStale(): void {
  const built = join(projectFolder, 'dist', '.tsbuildinfo');
  const program = join(projectFolder, 'dist', 'cli', 'ringbridge.js');
  if (existsSync(program) && existsSync(built) && statSync(built).mtimeMs > newestChange(join(projectFolder, 'src'))) {
    return;
  }
  const compiler = join(projectFolder, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: projectFolder,
  });
  if (status !== 0) throw new Error(`the build fails: ${stdout.toString()}`);
}

function newestChange(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return Math.max(...entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
