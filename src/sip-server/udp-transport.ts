import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { Flow, SipTransport, TransportListener } from './transport';
import { isIpv6 } from './transport';

/** A burst of calls waits here while the event loop is busy; the system may grant less. */
const receiveBufferBytes = 1_048_576;

/** SIP over UDP: one socket, one datagram a message. */
export class UdpTransport implements SipTransport {
  readonly name = 'udp';
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #listener: TransportListener;
  #closing: Promise<void> | undefined;

  private constructor(socket: Socket, listener: TransportListener) {
    const { address, port } = socket.address();
    this.address = address;
    this.port = port;
    this.#socket = socket;
    this.#listener = listener;
    socket.on('message', (bytes, { address: remoteAddress, port: remotePort }) => {
      this.#listener.onMessage(bytes, { transport: this, remoteAddress, remotePort });
    });
    // A socket error here is about one datagram; the send callback has reported it.
    socket.on('error', () => undefined);
  }

  /** Rejects with the system's error when the address cannot be bound. Port 0 takes any. */
  static open(at: { address: string; port: number }, listener: TransportListener): Promise<UdpTransport> {
    const ipv6 = isIpv6(at.address);
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6,
      recvBufferSize: receiveBufferBytes,
      // Only addresses are sent to: Node's own lookup would cost a turn of the event loop for each datagram.
      lookup: (address, _options, done) => done(null, address, ipv6 ? 6 : 4),
    });
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address: at.address, port: at.port, exclusive: true }, () => {
        socket.removeAllListeners('error');
        resolve(new UdpTransport(socket, listener));
      });
    });
  }

  send(bytes: Buffer, to: Flow, onFailure: (cause: string) => void): void {
    if (this.#closing !== undefined) return;
    // Node throws at a port of 0, which a stranger's datagram may well have come from.
    if (to.remotePort === 0) return;
    this.#socket.send(bytes, to.remotePort, to.remoteAddress, (error) => {
      if (error !== null) onFailure(error.message);
    });
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closing;
  }
}
