import { Server, type Socket } from 'node:net';

import type { Clock } from '../runtime/clock';
import type { Srf, SrfDialog, SrfRequest, SrfResponse } from './srf';

// drachtio-srf opens connections itself, loses TLS when it reconnects (drachtio-srf#211), and sends whatever it is given.
// Here its sockets come from us: srf is told to listen on a server that never does, and each connection is handed to it
// as if it had been accepted there. These are the private parts that this takes, in the one file that knows them.

/** Time for the server to close its side. */
const closeDeadlineMs = 2_000;

/** What a SIP server says when it accepts our secret. */
export interface AdminGreeting {
  /** `udp/10.0.0.2:5060`, as the outside sees them; empty when the server does not say. */
  readonly hostPorts: readonly string[];
  /** The same without NAT. */
  readonly localHostPorts: readonly string[];
  readonly version: string;
}

interface PendingInvite {
  req: SrfRequest;
  res: SrfResponse;
}

/** The callback gets the tokens behind the request's id: `OK` or `NOK`, and what follows. */
type ReplyCallback = (reply: string[]) => void;

interface AdminConnection {
  pendingRequests: Map<string, ReplyCallback>;
  pendingNetworkInvites: Map<string, PendingInvite>;
}

interface Agent {
  mapServer: Map<Socket, AdminConnection>;
  routeVerbs(socket: Socket): void;
  wp: { send(socket: Socket, message: string): string };
}

interface SrfInternals {
  _dialogs: Map<string, { socket: Socket }>;
  app: { client?: Agent };
  listen(options: { server: Server; secret: string }): void;
}

function internalsOf(srf: Srf): SrfInternals {
  return srf as unknown as SrfInternals;
}

function agentOf(srf: Srf): Agent | undefined {
  return internalsOf(srf).app.client;
}

/** Hands connected sockets to srf. */
export interface SocketIntake {
  /**
   * Sends the secret at once. `onGreeting` gets undefined when the server refuses it; what the server routes to us
   * reaches srf's handlers, after `askForRequests` when we opened the connection.
   */
  handOver(socket: Socket, onGreeting: (greeting: AdminGreeting | undefined) => void): void;
}

/** `messageProblem` says why a message must not be sent, or undefined: its request is then answered as if by the server. */
export function openIntake(
  srf: Srf,
  options: { secret: string; messageProblem: (message: string) => string | undefined },
): SocketIntake {
  const server = new Server();
  internalsOf(srf).listen({ server, secret: options.secret });
  const agent = agentOf(srf);
  if (agent !== undefined) refuseMessages(agent, options.messageProblem);
  return {
    handOver(socket, onGreeting) {
      server.emit('connection', socket);
      const pending = agent?.mapServer.get(socket)?.pendingRequests;
      const [first] = pending?.entries() ?? [];
      if (pending === undefined || first === undefined) return;
      const [frameId, authenticated] = first;
      pending.set(frameId, (reply) => {
        authenticated(reply);
        onGreeting(reply[0] === 'OK' ? greetingOf(reply) : undefined);
      });
    },
  };
}

function greetingOf([, hostPorts = '', version = '', localHostPorts = '']: string[]): AdminGreeting {
  const list = (text: string): string[] => text.split(',').filter((one) => one !== '');
  return { hostPorts: list(hostPorts), version, localHostPorts: list(localHostPorts) };
}

function refuseMessages(agent: Agent, problemOf: (message: string) => string | undefined): void {
  const { wp, mapServer } = agent;
  const send = wp.send.bind(wp);
  let refused = 0;
  wp.send = (socket, message) => {
    const problem = problemOf(message);
    if (problem === undefined) return send(socket, message);
    refused += 1;
    const frameId = `refused-${refused}`;
    // srf notes whom to tell only when this has returned.
    queueMicrotask(() => {
      const pending = mapServer.get(socket)?.pendingRequests;
      const onReply = pending?.get(frameId);
      pending?.delete(frameId);
      onReply?.(['NOK', problem]);
    });
    return frameId;
  };
}

/** Asks the server for every kind of request that srf has a handler for. */
export function askForRequests(srf: Srf, socket: Socket): void {
  agentOf(srf)?.routeVerbs(socket);
}

/** Ends every connection and resolves when all are closed: what was written before still goes out. */
export async function stopSrf(srf: Srf, clock: Clock): Promise<void> {
  const sockets = [...(agentOf(srf)?.mapServer.keys() ?? [])].filter((socket) => !socket.closed);
  if (sockets.length === 0) return;
  const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  const timer = clock.setTimer(closeDeadlineMs, () => sockets.forEach((socket) => socket.destroy()));
  for (const socket of sockets) socket.end();
  await closed;
  timer.cancel();
}

/** srf keeps the dialogs of a lost connection for ever; the server routes nothing to them any more. */
export function forgetDialogs(srf: Srf, socket: Socket): void {
  const { _dialogs: dialogs } = internalsOf(srf);
  for (const [id, dialog] of dialogs) if (dialog.socket === socket) dialogs.delete(id);
}

/** What the dialog sends from now on goes through another connection to its server. */
export function moveDialog(dialog: SrfDialog, socket: Socket): void {
  Object.assign((dialog as unknown as { req: object }).req, { socket });
}

/**
 * srf knows a pending INVITE by its Call-ID alone, and forgets it when a second one with that Call-ID gets its final
 * answer. Without this the first one's CANCEL would be lost.
 */
export function restorePendingInvite(srf: Srf, sipCallId: string, invite: PendingInvite): void {
  agentOf(srf)?.mapServer.get(invite.req.socket)?.pendingNetworkInvites.set(sipCallId, invite);
}

/** Asks the server for a sign of life: srf's own pings never look for the answer. False when not connected. */
export function sendPing(srf: Srf, socket: Socket, onPong: () => void): boolean {
  const agent = agentOf(srf);
  const connection = agent?.mapServer.get(socket);
  if (agent === undefined || connection === undefined || socket.destroyed) return false;
  connection.pendingRequests.set(agent.wp.send(socket, 'ping'), onPong);
  return true;
}
