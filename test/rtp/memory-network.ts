import type { Clock } from '../../src/runtime/clock';
import type { DatagramListener, DatagramPair, DatagramPort, OpenDatagramPair } from '../../src/rtp/socket';

/** UDP in memory: datagrams arrive `delayMs` later on the clock, or never when nobody listens there. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #ports = new Map<string, MemoryPort>();

  constructor({ clock, delayMs = 1 }: { clock: Clock; delayMs?: number }) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Throws an error with the code EADDRINUSE when the port is taken. */
  bind(address: string, port: number): DatagramPort {
    const key = `${address} ${port}`;
    if (this.#ports.has(key)) throw Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE' });
    const bound = new MemoryPort(port, {
      send: (datagram, to) => this.#send(datagram, { address, port }, to),
      close: () => void this.#ports.delete(key),
    });
    this.#ports.set(key, bound);
    return bound;
  }

  readonly openPair: OpenDatagramPair = (localAddress, rtpPort) =>
    new Promise<DatagramPair>((resolve) => {
      const rtp = this.bind(localAddress, rtpPort);
      resolve({ rtp, rtcp: this.bind(localAddress, rtpPort + 1) });
    });

  get boundPorts(): number {
    return this.#ports.size;
  }

  #send(datagram: Buffer, from: Endpoint, to: Endpoint): void {
    const copy = Buffer.from(datagram);
    this.#clock.setTimer(this.#delayMs, () => {
      this.#ports.get(`${to.address} ${to.port}`)?.listener?.onDatagram(copy, from.address, from.port);
    });
  }
}

interface Endpoint {
  address: string;
  port: number;
}

interface Wire {
  send(datagram: Buffer, to: Endpoint): void;
  close(): void;
}

class MemoryPort implements DatagramPort {
  errors = 0;
  listener: DatagramListener | undefined;

  constructor(
    readonly port: number,
    readonly wire: Wire,
  ) {}

  listen(listener: DatagramListener): void {
    this.listener = listener;
  }

  send(datagram: Buffer, address: string, port: number): void {
    this.wire.send(datagram, { address, port });
  }

  close(): void {
    this.wire.close();
  }
}
