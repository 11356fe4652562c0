import type { VirtualClock } from '../../src/runtime/virtual-clock';
import type { Flow, SipTransport, TransportListener, TransportName } from '../../src/sip-server/transport';

/** A message on the wire. */
export interface Shipment {
  atMs: number;
  from: string;
  to: string;
  text: string;
}

/** Carries messages between transports on a virtual clock. Nothing is lost unless `loses` says so. */
export class MemoryNetwork {
  readonly shipments: Shipment[] = [];
  readonly #clock: VirtualClock;
  readonly #delayMs: number;
  readonly #transports = new Map<string, MemoryTransport>();
  loses: (shipment: Shipment) => boolean = () => false;

  constructor(clock: VirtualClock, { delayMs }: { delayMs: number }) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  open(name: TransportName, address: string, port: number): MemoryTransport {
    const transport = new MemoryTransport(this, { name, address, port });
    this.#transports.set(`${name} ${address}:${port}`, transport);
    return transport;
  }

  carry(bytes: Buffer, from: MemoryTransport, to: Flow, onFailure: (cause: string) => void): void {
    const target = this.#transports.get(`${from.name} ${to.remoteAddress}:${to.remotePort}`);
    const shipment: Shipment = {
      atMs: this.#clock.now(),
      from: `${from.address}:${from.port}`,
      to: `${to.remoteAddress}:${to.remotePort}`,
      text: bytes.toString('latin1'),
    };
    this.shipments.push(shipment);
    if (target === undefined && from.name === 'tcp') this.#clock.setTimer(0, () => onFailure('connection refused'));
    if (target === undefined || this.loses(shipment)) return;
    const flow: Flow = { transport: target, remoteAddress: from.address, remotePort: from.port };
    this.#clock.setTimer(this.#delayMs, () => target.listener.onMessage(bytes, flow));
  }
}

export class MemoryTransport implements SipTransport {
  readonly name: TransportName;
  readonly address: string;
  readonly port: number;
  readonly #network: MemoryNetwork;
  listener: TransportListener = { onMessage: () => 'keep' };

  constructor(network: MemoryNetwork, at: { name: TransportName; address: string; port: number }) {
    this.name = at.name;
    this.address = at.address;
    this.port = at.port;
    this.#network = network;
  }

  send(bytes: Buffer, to: Flow, onFailure: (cause: string) => void): void {
    this.#network.carry(bytes, this, to, onFailure);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
