import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One RTP stream as tshark judges it. */
export interface CapturedStream {
  fromPort: number;
  toPort: number;
  packets: number;
  lost: number;
}

/** What passes over loopback, captured and judged by tshark. */
export class Capture {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #sipPort: number;
  /** In the range, and nobody's: where marks are sent to. */
  readonly #probePort: number;
  #output = '';

  private constructor(parts: { folder: string; child: ChildProcess; sipPort: number; probePort: number }) {
    this.#folder = parts.folder;
    this.#child = parts.child;
    this.#sipPort = parts.sipPort;
    this.#probePort = parts.probePort;
    parts.child.stderr?.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4_000)));
  }

  /** Captures SIP of that port, and the UDP of a range of ports. */
  static async start({ sip, rtpPorts }: { sip: string; rtpPorts: string }): Promise<Capture> {
    const sipPort = Number(sip.split(':')[1]);
    const folder = await mkdtemp(join(tmpdir(), 'ringbridge-capture-'));
    const filter = `udp port ${sipPort} or udp portrange ${rtpPorts}`;
    const args = ['-i', 'lo', '-f', filter, '-B', '16', '-w', join(folder, 'call.pcapng')];
    const child = spawn('tshark', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const capture = new Capture({ folder, child, sipPort, probePort: Number(rtpPorts.split('-')[1]) });
    await capture.#untilItHas('begin of capture');
    return capture;
  }

  /** Ends the capture; what is asked afterwards is asked of the file. */
  async stop(): Promise<void> {
    await this.#untilItHas('end of capture');
    await this.#end();
  }

  async rtpStreams(): Promise<CapturedStream[]> {
    const text = await this.#read(['-q', '-z', 'rtp,streams']);
    return text.split('\n').flatMap((line) => {
      // Start, end, address and port of both ends, SSRC, payload, packets, lost (with its share in percent) ...
      const row = /^\s*[\d.]+\s+[\d.]+\s+\S+\s+(\d+)\s+\S+\s+(\d+)\s+0x\w+\s+.*?\s(\d+)\s+(-?\d+)\s+\(/.exec(line);
      if (row === null) return [];
      const [fromPort = 0, toPort = 0, packets = 0, lost = 0] = row.slice(1).map(Number);
      return [{ fromPort, toPort, packets, lost }];
    });
  }

  /** Sequence numbers of what one port sent, in the order of the capture. */
  async sequences(fromPort: number): Promise<number[]> {
    const text = await this.#read(['-Y', `rtp && udp.srcport == ${fromPort}`, '-T', 'fields', '-e', 'rtp.seq']);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  }

  /** `INVITE`, `200 INVITE` ... in order, repetitions left out. */
  async sipMessages(): Promise<string[]> {
    const fields = ['sip.Method', 'sip.Status-Code', 'sip.CSeq.method'].flatMap((name) => ['-e', name]);
    const text = await this.#read(['-Y', 'sip && !sip.resend-original', '-T', 'fields', ...fields]);
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [method = '', status = '', cseqMethod = ''] = line.split('\t');
        return method === '' ? `${status} ${cseqMethod}` : method;
      });
  }

  /** Packets in which tshark finds a protocol error, one line each. */
  async malformed(): Promise<string[]> {
    const text = await this.#read(['-Y', '_ws.malformed || _ws.expert.severity == "Error"']);
    return text.split('\n').filter((line) => line !== '');
  }

  async close(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGINT');
    await closed;
  }

  async #read(args: readonly string[]): Promise<string> {
    const file = join(this.#folder, 'call.pcapng');
    // Streams are told by the SDP that announces them.
    const decode = ['-d', `udp.port==${this.#sipPort},sip`];
    const { stdout } = await run('tshark', ['-r', file, ...decode, ...args], { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  /** It sees packets later than it says, and writes them later still: only a mark in the file tells that it did. */
  async #untilItHas(mark: string): Promise<void> {
    const probe = createSocket('udp4');
    const file = join(this.#folder, 'call.pcapng');
    try {
      for (let attempt = 0; attempt < probesMax; attempt += 1) {
        probe.send(mark, this.#probePort, '127.0.0.1');
        await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
        const written = await readFile(file).catch(() => Buffer.alloc(0));
        if (written.includes(mark)) return;
      }
    } finally {
      probe.close();
    }
    throw new Error(`tshark does not write what it captures: ${this.#output}`);
  }
}

const probesMax = 300;
const probeEveryMs = 50;
