import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MetricsText } from './metrics-text';

export interface BridgeProcessOptions {
  /** The dialplan, as YAML. */
  dialplan: string;
  /** The model of all agents. */
  realtimeUrl: string;
  /** Leave a CPU profile in `.cache/bench/profiles` at the end. */
  profile: boolean;
  /** Processes that answer the calls; undefined: the one that there is. */
  workers?: number;
  /** Further settings. */
  env?: Readonly<Record<string, string>>;
  /** Of a drachtio-server before it; undefined: it has a SIP server of its own. */
  sipPort?: number | undefined;
}

const startDeadlineMs = 30_000;
const stopDeadlineMs = 10_000;
const profileFolder = join('.cache', 'bench', 'profiles');

/** The built server as others run it, in a process of its own, on ports of its own. The project must be the folder. */
export class BridgeProcess {
  readonly sipPort: number;
  readonly #httpPort: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** Resolves when calls are answered. */
  static async start(options: BridgeProcessOptions): Promise<BridgeProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-bench-'));
    writeFileSync(join(folder, 'plan.yaml'), options.dialplan);
    const log = openSync(join(folder, 'log'), 'w');
    const profiling = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [];
    const workers = options.workers === undefined ? [] : ['--workers', String(options.workers)];
    const child = spawn(process.execPath, [...profiling, join('bin', 'ringbridge.js'), 'serve', ...workers], {
      env: { ...environment(folder, options.realtimeUrl), ...options.env },
      // Logs are written as in service, to a file.
      stdio: ['ignore', log, 'pipe'],
    });
    closeSync(log);
    try {
      const ports = await readBanner(child, options.sipPort);
      return new BridgeProcess(child, folder, ports);
    } catch (cause) {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
      throw cause;
    }
  }

  private constructor(child: ChildProcess, folder: string, ports: { sip: number; http: number }) {
    this.#child = child;
    this.#folder = folder;
    this.sipPort = ports.sip;
    this.#httpPort = ports.http;
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  async metrics(): Promise<MetricsText> {
    const response = await fetch(`http://127.0.0.1:${this.#httpPort}/metrics`);
    return new MetricsText(await response.text());
  }

  /** Warnings and errors of its log, as JSON lines. */
  complaints(): string[] {
    const lines = readFileSync(join(this.#folder, 'log'), 'utf8').split('\n');
    return lines.filter((line) => /"level":"?(warn|error|fatal|[456]0)/.test(line));
  }

  /** Ends it, with the calls that are still up. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      const deadline = setTimeout(() => this.#child.kill('SIGKILL'), stopDeadlineMs);
      await exited;
      clearTimeout(deadline);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** That of this process without any setting of a bridge. */
function environment(folder: string, realtimeUrl: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(RINGBRIDGE_|OPENAI_)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:0',
    RINGBRIDGE_HTTP_LISTEN: '127.0.0.1:0',
    RINGBRIDGE_REALTIME_URL: realtimeUrl,
    RINGBRIDGE_DIALPLANS: folder,
    RINGBRIDGE_DATA: join(folder, 'data'),
    RINGBRIDGE_MAX_CALLS: '2000',
    RINGBRIDGE_DRAIN_TIME: '1s',
  };
}

/** The ports that the system chose. */
function readBanner(child: ChildProcess, sipPort?: number): Promise<{ sip: number; http: number }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const deadline = setTimeout(() => reject(new Error(`the bridge did not start:\n${text}`)), startDeadlineMs);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(deadline);
      reject(new Error(`the bridge ended with ${code ?? 'a signal'}:\n${text}`));
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const sip = sipPort ?? /udp:127\.0\.0\.1:([1-9]\d*)/.exec(text)?.[1];
      const http = /http:\/\/127\.0\.0\.1:([1-9]\d*)\//.exec(text)?.[1];
      if (sip === undefined || http === undefined) return;
      clearTimeout(deadline);
      resolve({ sip: Number(sip), http: Number(http) });
    });
  });
}
