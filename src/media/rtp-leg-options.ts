import type { CreateOpus } from '../audio/opus';
import type { PortPool } from '../rtp/port-pool';
import type { OpenDatagramPair } from '../rtp/socket';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { FrameClock } from './frame-clock';
import type { AudioCodec } from './negotiation';

/** What all legs on RTP of one process have in common. */
export interface RtpLegFactoryOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** One for all calls. */
  frameClock: FrameClock;
  /**
   * An offer that names a port of this pool as the caller's is refused: audio would run in a circle. So a phone in the
   * same process needs a pool of its own; the ranges may overlap.
   */
  ports: PortPool;
  /** IP address to bind to. A wildcard address needs `publicAddress`. */
  localAddress: string;
  /** What SDP tells the caller; unset means the local address. */
  publicAddress?: string | undefined;
  /**
   * The other side is a FreeSWITCH of ours and no caller. It is sent to at once, wherever it stands, and without marker
   * bits: after each of them it throws the next packet away.
   */
  facesOwnServer?: boolean;
  /** What may be spoken: both laws of G.711 unless given. Opus takes `opus`. */
  codecs?: readonly AudioCodec[];
  opus?: CreateOpus | undefined;
  /** A caller who was heard and has sent neither RTP nor RTCP for so long is gone. 15 s. */
  mediaTimeoutMs?: number;
  /** The same before its first packet. 30 s. */
  firstMediaTimeoutMs?: number;
  /** Opens the sockets; real UDP unless given. */
  openPair?: OpenDatagramPair;
}
