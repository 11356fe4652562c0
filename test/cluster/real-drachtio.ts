import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';

import { eventually } from '../support/eventually';
import { pathOfReal } from './real-programs';

export interface RealDrachtioOptions {
  /** Of 127.0.0.1. */
  sipPort?: number;
  adminPort?: number;
  secret?: string;
  /** `tcp://127.0.0.1:9100`: it connects to the application for each new request. */
  handler?: string;
  args?: readonly string[];
}

/** drachtio-server itself, on loopback. */
export class RealDrachtio {
  readonly sipPort: number;
  readonly adminPort: number;
  readonly secret: string;
  /** What it printed since its last start. */
  log = '';
  readonly #options: RealDrachtioOptions;
  #child: ChildProcess | undefined;

  private constructor(options: RealDrachtioOptions) {
    this.#options = options;
    this.sipPort = options.sipPort ?? 5160;
    this.adminPort = options.adminPort ?? 9122;
    this.secret = options.secret ?? 'a-secret-of-ours';
  }

  static async start(options: RealDrachtioOptions = {}): Promise<RealDrachtio> {
    const server = new RealDrachtio(options);
    await server.start();
    return server;
  }

  /** `127.0.0.1:PORT` for callers. */
  get sip(): string {
    return `127.0.0.1:${this.sipPort}`;
  }

  /** The settings that make Ringbridge use it. */
  get env(): Record<string, string> {
    return { RINGBRIDGE_DRACHTIO: `127.0.0.1:${this.adminPort}`, RINGBRIDGE_DRACHTIO_SECRET: this.secret };
  }

  get running(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when its admin port takes connections. */
  async start(): Promise<void> {
    const { handler, args = [] } = this.#options;
    this.log = '';
    const child = spawn(
      pathOfReal('drachtio-server') ?? 'drachtio',
      [
        ...['--file', join(__dirname, 'drachtio.conf.xml'), '--stdout', '--loglevel', 'debug', '--sofia-loglevel', '3'],
        ...['--contact', `sip:127.0.0.1:${this.sipPort};transport=udp,tcp`],
        ...['--address', '127.0.0.1', '--port', String(this.adminPort), '--secret', this.secret],
        ...(handler === undefined ? [] : ['--http-handler', handler]),
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString('latin1')).slice(-2_000_000)));
    }
    let open = false;
    const stopLooking = setInterval(() => void this.#takesConnections().then((taken) => (open ||= taken)), 50);
    const ready = (): boolean => {
      if (!this.running) throw new Error(`drachtio-server ended: ${this.log.slice(-2_000)}`);
      return open;
    };
    await eventually(ready, 'the admin port of drachtio-server').finally(() => clearInterval(stopLooking));
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** kill -9, and until it is gone. */
  async kill(): Promise<void> {
    if (!this.running || this.#child === undefined) return;
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await gone;
  }

  close(): Promise<void> {
    return this.kill();
  }

  async #takesConnections(): Promise<boolean> {
    const socket = connect(this.adminPort, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}
