import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { createStats } from '../../src/sip-server/stats';
import { TcpConnection } from '../../src/sip-server/tcp-connection';
import type { SipTransport } from '../../src/sip-server/transport';

const ping = Buffer.from('\r\n\r\n');
/** Of a socket of Node, octets. */
const highWaterMark = 16_384;
const pings = 100_000;

/** A peer that reads only when it is told to. */
class LazyPeer extends Duplex {
  octetsRead = 0;
  #waiting: (() => void) | undefined;

  constructor() {
    super({ highWaterMark });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#waiting = () => {
      this.octetsRead += chunk.length;
      done();
    };
  }

  async readAll(): Promise<void> {
    while (this.#waiting !== undefined) {
      const read = this.#waiting;
      this.#waiting = undefined;
      read();
      await setImmediate();
    }
  }
}

test('who asks for pongs and never reads gets no more than one buffer of them, and its next when it has read', async () => {
  const peer = new LazyPeer();
  const stats = createStats();
  const transport = { name: 'tcp', address: '127.0.0.1', port: 5060 } as SipTransport;
  const connection = new TcpConnection(
    peer as unknown as Socket,
    { transport, remoteAddress: '127.0.0.2', remotePort: 5060 },
    { clock: new VirtualClock(), stats, listener: { onMessage: () => 'keep' }, messageTimeMs: 4_500 },
  );

  for (let sent = 0; sent < pings; sent += 1) peer.emit('data', ping);

  expect(stats.keepAlives).toBe(pings);
  expect(peer.writableLength).toBeGreaterThan(highWaterMark - 10);
  expect(peer.writableLength).toBeLessThanOrEqual(highWaterMark + 10);
  expect(connection.isOpen).toBe(true);

  await peer.readAll();
  const before = peer.octetsRead;
  peer.emit('data', ping);
  await peer.readAll();
  expect(peer.octetsRead).toBe(before + 2);
  connection.close();
});
