import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Takes what arrives. Must not throw. */
export interface DatagramListener {
  /** The listener owns `datagram`. `address` is canonical text, as `canonicalAddress` gives it. */
  onDatagram(datagram: Buffer, address: string, port: number): void;
}

/** One bound UDP port: a real one, or one in memory. */
export interface DatagramPort {
  readonly port: number;
  /** Datagrams that could not be sent, and errors that the kernel reported (ICMP): neither ever stops a port. */
  readonly errors: number;
  /** From now on; what came before is gone. */
  listen(listener: DatagramListener): void;
  /** Never throws. The octets may be read until shortly after it returns: see `RtpSender`. */
  send(datagram: Buffer, address: string, port: number): void;
  /** Twice is fine. The listener is not called afterwards. */
  close(): void;
}

/** RTP on an even port, RTCP on the next one (RFC 3550 section 11). */
export interface DatagramPair {
  readonly rtp: DatagramPort;
  readonly rtcp: DatagramPort;
}

/** Opens a pair at an even port. Rejects with the system's error (`code` is `EADDRINUSE` when one of them is taken). */
export type OpenDatagramPair = (localAddress: string, rtpPort: number) => Promise<DatagramPair>;

/** Real UDP on `localAddress`, IPv4 or IPv6. */
export const openUdpPair: OpenDatagramPair = async (localAddress, rtpPort) => {
  const rtp = await UdpPort.open(localAddress, rtpPort);
  try {
    return { rtp, rtcp: await UdpPort.open(localAddress, rtpPort + 1) };
  } catch (cause) {
    rtp.close();
    throw cause;
  }
};

/**
 * The socket is not connected, though that would save a fifth of a send: a connected one would have to be reconnected
 * when NAT gives the caller another port, and would hide foreign packets from the counters.
 */
class UdpPort implements DatagramPort {
  static open(localAddress: string, port: number): Promise<UdpPort> {
    return new Promise((resolve, reject) => {
      const socket = createSocket({
        type: isIPv6(localAddress) ? 'udp6' : 'udp4',
        ipv6Only: isIPv6(localAddress),
        // Only IP addresses are sent to. Node's own look-up would answer a tick later, when the packet is reused.
        lookup: (hostname, _options, callback) => callback(null, hostname, 0),
      });
      const refuse = (cause: Error): void => {
        socket.close();
        reject(cause);
      };
      socket.once('error', refuse);
      socket.bind({ address: localAddress, port, exclusive: true }, () => {
        socket.off('error', refuse);
        resolve(new UdpPort(socket, port));
      });
    });
  }

  readonly port: number;
  errors = 0;

  readonly #socket: Socket;
  #listener: DatagramListener | undefined;
  #closed = false;

  constructor(socket: Socket, port: number) {
    this.port = port;
    this.#socket = socket;
    socket.on('message', this.#onMessage);
    // ECONNREFUSED and the like come from the far side; an unhandled 'error' would end the process.
    socket.on('error', this.#onError);
  }

  listen(listener: DatagramListener): void {
    this.#listener = listener;
  }

  send(datagram: Buffer, address: string, port: number): void {
    if (this.#closed) return;
    try {
      this.#socket.send(datagram, port, address);
    } catch {
      this.errors += 1;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener = undefined;
    this.#socket.close();
  }

  readonly #onMessage = (datagram: Buffer, from: RemoteInfo): void => {
    this.#listener?.onDatagram(datagram, from.address, from.port);
  };

  readonly #onError = (): void => {
    this.errors += 1;
  };
}
