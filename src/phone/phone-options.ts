import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { MediaLegFactory } from '../media/media-leg';
import type { SipLink } from '../signalling/sip-link';

/** What a phone is made of. */
export interface PhoneOptions {
  /** Connected, to a SIP server that is not the one being called. */
  link: SipLink;
  /** Legs at 8 kHz, from a port pool that is not the called side's. */
  media: MediaLegFactory;
  clock: Clock;
  random: Random;
  log: Logger;
}
