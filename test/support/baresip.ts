import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodeWav, type Wav } from '../../src/audio/wav';
import { freeUdpPort } from './sipp';
import { eventually } from './eventually';

export interface BaresipOptions {
  /** What it says into its microphone, in whole hertz; silence when left out. */
  toneHz?: number;
  codec: 'PCMU' | 'PCMA' | 'G722' | 'opus';
  /** Media encrypted with keys from SDP (RFC 4568). */
  srtp?: boolean;
  /** Who it is and where it registers, as a line of its accounts file begins. Default: nobody, nowhere. */
  account?: string;
}

export interface BaresipEvent {
  /** `CALL_ESTABLISHED`, `CALL_CLOSED` ... */
  type: string;
  /** For `CALL_CLOSED` the reason. */
  param?: string;
}

/** As its accounts file names them, with clock rate and channels. */
const codecs = { PCMU: 'PCMU/8000/1', PCMA: 'PCMA/8000/1', G722: 'G722/16000/1', opus: 'opus/48000/2' };

/** It listens within a second of its start, also on a busy machine. */
const controlDeadlineMs = 5_000;

/** baresip, a softphone, with a sine for a microphone and a file for an ear, driven through its control socket. */
export class Baresip {
  readonly events: BaresipEvent[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;
  #control: Socket | undefined;
  #unread = Buffer.alloc(0);
  #output = '';

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4_000)));
    }
  }

  /** The port that was free for its control socket may be taken when baresip binds it: then it is started again. */
  static async start(options: BaresipOptions): Promise<Baresip> {
    for (let attemptsLeft = 2; ; attemptsLeft -= 1) {
      try {
        return await Baresip.#startOnce(options);
      } catch (cause) {
        if (attemptsLeft === 0) throw cause;
        process.stderr.write(`baresip did not start, trying again: ${String(cause)}\n`);
      }
    }
  }

  static async #startOnce(options: BaresipOptions): Promise<Baresip> {
    const folder = await mkdtemp(join(tmpdir(), 'ringbridge-baresip-'));
    const controlPort = await freeTcpPort();
    const config = configOf({ ...options, folder, controlPort, sipPort: await freeUdpPort() });
    await writeFile(join(folder, 'config'), config);
    await writeFile(
      join(folder, 'accounts'),
      `${options.account ?? '<sip:baresip@127.0.0.1>;regint=0'};audio_codecs=${codecs[options.codec]};mediaenc=${options.srtp === true ? 'srtp-mand' : ''}\n`,
    );
    const baresip = new Baresip(folder, spawn('baresip', ['-f', folder], { stdio: ['ignore', 'pipe', 'pipe'] }));
    try {
      await baresip.#connect(controlPort);
    } catch (cause) {
      await baresip.close();
      throw cause;
    }
    return baresip;
  }

  dial(uri: string): void {
    this.#command('dial', uri);
  }

  hangUp(): void {
    this.#command('hangup', '');
  }

  async eventOf(type: string): Promise<BaresipEvent> {
    const found = (): BaresipEvent | undefined => this.events.find((event) => event.type === type);
    await eventually(() => found() !== undefined, `baresip's ${type}; it said: ${this.#output}`);
    return found()!;
  }

  /** What it has heard: written when the call is over. */
  async heard(): Promise<Wav> {
    const name = (await readdir(this.#folder)).find((one) => one.endsWith('-dec.wav'));
    if (name === undefined) throw new Error(`baresip has recorded nothing: ${this.#output}`);
    return decodeWav(await readFile(join(this.#folder, name)));
  }

  async close(): Promise<void> {
    this.#control?.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGKILL');
      await closed;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** It listens a moment after its start. */
  async #connect(port: number): Promise<void> {
    let failure: Error | undefined;
    let connecting: Socket | undefined;
    await eventually(
      () => {
        if (connecting === undefined || connecting.destroyed) {
          connecting = connect({ host: '127.0.0.1', port });
          connecting.on('error', (cause) => (failure = cause));
        }
        return connecting.readyState === 'open';
      },
      `baresip's control socket (${failure?.message ?? 'no answer'})`,
      controlDeadlineMs,
    );
    this.#control = connecting;
    this.#control?.on('data', (chunk: Buffer) => this.#onControl(chunk));
  }

  #command(command: string, params: string): void {
    this.#control?.write(netstring(JSON.stringify({ command, params, token: '1' })));
  }

  #onControl(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const colon = this.#unread.indexOf(':');
      const length = Number(this.#unread.toString('latin1', 0, Math.max(0, colon)));
      if (colon < 0 || this.#unread.length < colon + length + 2) return;
      const message = JSON.parse(this.#unread.toString('utf8', colon + 1, colon + 1 + length)) as BaresipEvent;
      this.#unread = this.#unread.subarray(colon + length + 2);
      if ('event' in message) this.events.push(message);
    }
  }
}

function configOf(options: BaresipOptions & { folder: string; controlPort: number; sipPort: number }): string {
  return [
    `sip_listen 127.0.0.1:${options.sipPort}`,
    ...microphoneOf(options),
    // A player that throws away what it plays: the recorder has it before.
    'audio_player aubridge,nowhere',
    'audio_alert aubridge,nowhere',
    'audio_buffer 20-160',
    // Else its SDP names another address of the machine.
    'net_interface 127.0.0.1',
    'rtp_ports 20000-29998',
    'module_path /usr/lib/baresip/modules',
    ...['g711', 'g722', 'opus', 'srtp', 'sndfile', 'ausine', 'aubridge'].map((name) => `module ${name}.so`),
    ...['account', 'menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
    `ctrl_tcp_listen 127.0.0.1:${options.controlPort}`,
    `snd_path ${options.folder}`,
    '',
  ].join('\n');
}

function microphoneOf({ toneHz }: BaresipOptions): string[] {
  if (toneHz === undefined) return ['audio_source aubridge,nobody'];
  // The sine is made at this rate only.
  return [`audio_source ausine,${toneHz}`, 'ausrc_srate 48000', 'ausrc_channels 2'];
}

function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}

async function freeTcpPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
