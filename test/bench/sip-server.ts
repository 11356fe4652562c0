// The embedded SIP server of a load, in a process of its own, so that its processor time can be told from the application's.
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { SipServer } from '../../src/sip-server/server';
import { startSipServer } from '../../src/sip-server/server';
import { cpuSeconds } from './machine';

/** From the parent process. */
export type SipServerCommand = { kind: 'measure' };

/** To the parent process: `ready` once, then one `measured` for each `measure`. */
export type SipServerMessage = ({ kind: 'ready' } & SipServerAddresses) | ({ kind: 'measured' } & SipServerMeasure);

export interface SipServerAddresses {
  admin: SipServer['admin'];
  udp: string;
  tcp: string;
}

/** Since the start. */
export interface SipServerMeasure {
  stats: SipServer['stats'];
  cpuSeconds: number;
}

/** A transaction lives for 32 s, and a call has two. */
const serverTransactions = 100_000;

async function main(): Promise<void> {
  const server = await startSipServer({
    listen: [
      { transport: 'udp', address: '127.0.0.1', port: 0 },
      { transport: 'tcp', address: '127.0.0.1', port: 0 },
    ],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    limits: { serverTransactions, clientTransactions: serverTransactions, dialogs: serverTransactions },
    isTrusted: () => true,
  });
  process.on('message', () => {
    tell({ kind: 'measured', stats: server.stats, cpuSeconds: cpuSeconds() });
  });
  process.on('disconnect', () => void server.close());
  const [udp, tcp] = server.listening.map(({ port }) => `127.0.0.1:${port}`);
  tell({ kind: 'ready', admin: server.admin, udp: udp ?? '', tcp: tcp ?? '' });
}

function tell(message: SipServerMessage): void {
  process.send?.(message);
}

void main();
