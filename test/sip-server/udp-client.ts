import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP socket that sends text and waits for texts. */
export class UdpClient {
  readonly port: number;
  readonly received: string[] = [];
  readonly #socket: Socket;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (bytes) => {
      this.received.push(bytes.toString('latin1'));
      for (const tell of this.#waiting.splice(0)) tell();
    });
  }

  static async open(address = '127.0.0.1'): Promise<UdpClient> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new UdpClient(socket);
  }

  /** `target` is `address:port`. */
  send(text: string, target: string): void {
    const [address = '', port = ''] = target.split(':');
    this.#socket.send(Buffer.from(text, 'latin1'), Number(port), address);
  }

  /** The first text, already here or still to come, that begins so. */
  async next(start: string): Promise<string> {
    for (;;) {
      const found = this.received.find((text) => text.startsWith(start));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** A request as a phone at `127.0.0.1:port` would send it. */
export function phoneRequest(
  method: string,
  {
    port,
    callId,
    toTag,
    cseq = 1,
    branch = `z9hG4bK-${callId}-${method}-${cseq}`,
    body = '',
  }: {
    port: number;
    callId: string;
    toTag?: string;
    cseq?: number;
    branch?: string;
    body?: string;
  },
): string {
  return [
    `${method} sip:bob@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=${branch};rport`,
    'Max-Forwards: 70',
    'From: <sip:phone@127.0.0.1>;tag=phone',
    `To: <sip:bob@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:phone@127.0.0.1:${port}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
