import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';

import type { Clock, Timer } from '../runtime/clock';
import type { Random } from '../runtime/random';

/** `answered`: by an application behind the server. `no-application`: by the server itself, which has nobody to ask. */
export type ProbeResult = 'answered' | 'no-application' | 'silent';

export interface ProbeTarget {
  address: string;
  port: number;
}

/** RFC 3261 section 17.1.2.2, timer E: UDP loses packets. */
const sentAtMs = [0, 500, 1_500];

/** Sends OPTIONS to a SIP port from a UDP socket of its own, as any phone would. Never rejects. */
export function probeSipPort(
  target: ProbeTarget,
  options: { clock: Clock; random: Random; deadlineMs: number },
): Promise<ProbeResult> {
  const { clock, random, deadlineMs } = options;
  const socket = createSocket(isIP(target.address) === 6 ? 'udp6' : 'udp4');
  const sipCallId = `probe-${random.uuid()}`;
  const branch = `z9hG4bK${random.uuid()}`;
  const timers: Timer[] = [];
  return new Promise((resolve) => {
    let done = false;
    const finish = (result: ProbeResult): void => {
      if (done) return;
      done = true;
      for (const timer of timers) timer.cancel();
      socket.close();
      resolve(result);
    };
    socket.on('error', () => finish('silent'));
    socket.on('message', (datagram) => {
      const result = resultOf(datagram.toString('latin1'), sipCallId);
      if (result !== undefined) finish(result);
    });
    socket.connect(target.port, target.address, () => {
      if (done) return;
      const { address, port } = socket.address();
      const text = optionsText({ target, local: { address, port }, sipCallId, branch });
      for (const delayMs of sentAtMs) timers.push(clock.setTimer(delayMs, () => socket.send(text)));
    });
    timers.push(clock.setTimer(deadlineMs, () => finish('silent')));
  });
}

/** The first UDP address of a drachtio-server's welcome, such as `udp/10.0.0.2:5060`; undefined when it has none. */
export function probeTargetOf(hostPorts: readonly string[]): ProbeTarget | undefined {
  for (const hostPort of hostPorts) {
    const match = /^udp\/(?:\[([0-9A-Fa-f:.]+)\]|([\d.]+)):(\d{1,5})$/i.exec(hostPort);
    const address = match?.[1] ?? match?.[2] ?? '';
    const port = Number(match?.[3]);
    if (isIP(address) !== 0 && port > 0 && port <= 65_535) return { address, port };
  }
  return undefined;
}

/** Undefined for what is not the final answer to our request. */
function resultOf(text: string, sipCallId: string): ProbeResult | undefined {
  const status = Number(/^SIP\/2\.0 ([2-6]\d\d) /.exec(text)?.[1]);
  if (Number.isNaN(status) || !text.includes(sipCallId)) return undefined;
  // An application that takes no calls just now says when to try again.
  return status === 503 && !/\nRetry-After:/i.test(text) ? 'no-application' : 'answered';
}

function optionsText(parts: { target: ProbeTarget; local: ProbeTarget; sipCallId: string; branch: string }): string {
  const { target, local, sipCallId, branch } = parts;
  const [to, from] = [hostPort(target), hostPort(local)];
  return [
    `OPTIONS sip:ringbridge@${to} SIP/2.0`,
    `Via: SIP/2.0/UDP ${from};rport;branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:ringbridge@${from}>;tag=${branch.slice(7, 15)}`,
    `To: <sip:ringbridge@${to}>`,
    `Call-ID: ${sipCallId}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function hostPort({ address, port }: ProbeTarget): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
