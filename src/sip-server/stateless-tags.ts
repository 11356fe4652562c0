import { createHmac } from 'node:crypto';
import type { Random } from '../runtime/random';
import type { SipRequest } from './sip-message';

/** What makes a request the same when it comes again. */
const identityHeaders = ['Call-ID', 'From', 'CSeq'];
const tagDigits = 16;

/**
 * To tags of answers that nobody remembers: equal for each repetition of a request (RFC 3261 section 8.2.7), and of no use
 * to whoever would like to guess one.
 */
export class StatelessTags {
  readonly #key: Buffer;

  constructor(random: Random) {
    this.#key = random.bytes(32);
  }

  of({ headers }: Pick<SipRequest, 'headers'>): string {
    const identity = identityHeaders.map((name) => headers.first(name) ?? '').join('\n');
    return createHmac('sha256', this.#key).update(identity, 'latin1').digest('hex').slice(0, tagDigits);
  }
}
