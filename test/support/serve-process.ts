import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { makeBridgeFolders, readJournal, type JournalLine, type TestPlan } from './bridge';
import { eventually } from './eventually';

const projectFolder = resolve(__dirname, '..', '..');

/** `ringbridge serve` as a process of its own, as it is installed: the built program. */
export class ServeProcess {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #folders: { folder: string; data: string };
  #told = '';

  private constructor(child: ChildProcess, folders: { folder: string; data: string }) {
    this.#child = child;
    this.#folders = folders;
    this.exited = once(child, 'close').then(([code]: unknown[]) => code as number | null);
    child.stderr?.on('data', (chunk: Buffer) => (this.#told += chunk.toString()));
  }

  static async start(plan: TestPlan, env: Record<string, string> = {}): Promise<ServeProcess> {
    const { env: ownEnv, ...folders } = await makeBridgeFolders(plan);
    const child = spawn(process.execPath, [join(projectFolder, 'bin', 'ringbridge.js'), 'serve'], {
      cwd: projectFolder,
      env: { PATH: process.env.PATH, ...ownEnv, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
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

  /** Status of a page of its HTTP server. */
  async status(path: string): Promise<number> {
    const base = /http:\/\/[\d.:]+/.exec(this.#told)?.[0] ?? '';
    return (await fetch(`${base}${path}`, { headers: { connection: 'close' } })).status;
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
