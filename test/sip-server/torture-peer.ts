import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket as TcpSocket } from 'node:net';
import { systemRandom } from '../../src/runtime/random';

/** The ports that the Vias of the torture messages name; answers go there. */
const viaPorts = [5060, 5050, 5070, 6050];
const addressAttempts = 20;

/**
 * A peer at a loopback address of its own that holds every port an answer may go to, so that nothing a server sends
 * back goes unseen.
 */
export class TorturePeer {
  readonly address: string;
  readonly #sockets: readonly UdpSocket[];
  readonly #streams: TcpSocket[] = [];
  readonly #received: string[] = [];
  #wake: (() => void)[] = [];

  private constructor(address: string, sockets: readonly UdpSocket[]) {
    this.address = address;
    this.#sockets = sockets;
    for (const socket of sockets) socket.on('message', (bytes) => this.#take(bytes));
  }

  static async open(): Promise<TorturePeer> {
    for (let attempt = 0; attempt < addressAttempts; attempt += 1) {
      const [a = 0, b = 0, c = 0] = systemRandom.bytes(3);
      const address = `127.${a % 250}.${b % 250}.${(c % 250) + 2}`;
      const sockets = await openAll(address);
      if (sockets !== undefined) return new TorturePeer(address, sockets);
    }
    throw new Error('some program holds port 5060, 5050, 5070 or 6050 on every address');
  }

  /** From port 5060. */
  sendUdp(bytes: Buffer, target: { address: string; port: number }): void {
    this.#sockets[0]?.send(bytes, target.port, target.address);
  }

  /** Over a connection of its own, which is returned. */
  async sendTcp(bytes: Buffer, target: { address: string; port: number }): Promise<TcpSocket> {
    const localAddress = target.address.includes(':') ? undefined : this.address;
    const stream = connect({ host: target.address, port: target.port, ...(localAddress && { localAddress }) });
    this.#streams.push(stream);
    stream.on('error', () => undefined);
    stream.on('data', (chunk) => this.#take(chunk));
    await once(stream, 'connect');
    stream.write(bytes);
    return stream;
  }

  /** The statuses of all answers so far that contain `mark`. */
  statuses(mark: string): number[] {
    const answers = this.#received.filter((text) => text.startsWith('SIP/2.0 ') && text.includes(mark));
    return answers.map((text) => Number(text.slice(8, 11)));
  }

  /** The text of the first answer with `mark` that is final. */
  async finalAnswer(mark: string): Promise<string> {
    for (;;) {
      const found = this.#received.find((text) => /^SIP\/2\.0 [2-6]/.test(text) && text.includes(mark));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets.map(closeUdp), ...this.#streams.map(closeTcp)]);
  }

  #take(bytes: Buffer): void {
    // A stream may carry several answers in one piece.
    this.#received.push(...bytes.toString('latin1').split(/(?=SIP\/2\.0 \d{3} )/));
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** A line of a message that its answers repeat and no other message has: Call-ID, else CSeq. */
export function markOf(message: Buffer): string {
  const text = message.toString('latin1');
  const callId = /^(?:call-id|i)[ \t]*:[ \t]*(.*)\r$/im.exec(text)?.[1];
  return callId === undefined ? `CSeq: ${/^CSeq: (.*)\r$/m.exec(text)?.[1] ?? ''}` : `Call-ID: ${callId}`;
}

async function openAll(address: string): Promise<UdpSocket[] | undefined> {
  const opened = await Promise.all(viaPorts.map((port) => openUdp(address, port)));
  const sockets = opened.filter((socket) => socket !== undefined);
  if (sockets.length === opened.length) return sockets;
  await Promise.all(sockets.map(closeUdp));
  return undefined;
}

function openUdp(address: string, port: number): Promise<UdpSocket | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(undefined)));
    socket.bind(port, address, () => resolve(socket));
  });
}

async function closeTcp(stream: TcpSocket): Promise<void> {
  if (stream.closed) return;
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
}

async function closeUdp(socket: UdpSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}
