import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Clock } from '../runtime/clock';
import type { SipServerAddress } from './sip-server-address';

export interface AdminSocketListener {
  /** Once, when it can be written to: with TLS not before the certificate was checked. */
  onOpen(socket: Socket): void;
  /** Once, at the latest when the connection is over; `cause` is empty for a plain end. */
  onClose(cause: string): void;
}

/** One TCP or TLS connection to a server's admin port. It never throws and tells what happens after it has returned. */
export function openAdminSocket(
  server: SipServerAddress,
  options: { clock: Clock; deadlineMs: number },
  listener: AdminSocketListener,
): Socket {
  const { host, port, tls } = server;
  const socket =
    tls === undefined
      ? connectTcp({ host, port })
      : connectTls({ host, port, rejectUnauthorized: tls.verify, ...(isIP(host) === 0 && { servername: host }) });
  socket.setNoDelay(true);
  let cause = '';
  const timer = options.clock.setTimer(options.deadlineMs, () => {
    cause = `no connection within ${options.deadlineMs} ms`;
    socket.destroy();
  });
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
    timer.cancel();
    listener.onOpen(socket);
  });
  socket.on('error', (error: Error) => (cause = error.message));
  socket.once('close', () => {
    timer.cancel();
    listener.onClose(cause);
  });
  return socket;
}
