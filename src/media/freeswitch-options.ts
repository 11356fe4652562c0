import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Mrf } from './freeswitch-mrf';
import type { ProbeFreeswitch } from './freeswitch-probe';

/** One event socket, and how many calls it should get beside the others. */
export interface FreeswitchAddress {
  host: string;
  port: number;
  weight: number;
}

/** What all servers of one Ringbridge have in common. */
export interface FreeswitchServerOptions {
  clock: Clock;
  logger: Logger;
  mrf: Mrf;
  probe: ProbeFreeswitch;
  secret: string;
  /** Where FreeSWITCH calls us back; port 0: any. */
  listen: { host: string; port: number };
  /** What it is told instead of `listen.host`. */
  advertise?: string | undefined;
  /** Names our channels on the server, `ringbridge-1a2b3c`: those with our name that we do not know are hung up. */
  owner: string;
}

export interface EndpointRequest {
  callId: string;
  /** The offer for FreeSWITCH. */
  offer: string;
}

/** For metrics and the log. */
export interface FreeswitchStats {
  connects: number;
  losses: number;
  endpointsMade: number;
  endpointsFailed: number;
  /** Came after their deadline and were hung up. */
  endpointsLate: number;
  leftoversReaped: number;
  /** Two legs were to be joined, and one far side sent nothing for too long: their audio goes on through us. */
  joinsGivenUp: number;
}
