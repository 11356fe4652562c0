import { listValues, parseCSeq, parseNameAddr } from './header-values';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';

/** What the responses to a request of ours have in common with it; read once for all of them. */
export class OwnRequest {
  readonly #callId: string | undefined;
  readonly #cseq: number | undefined;
  readonly #fromTag: string | undefined;
  readonly #vias: number;

  constructor({ headers }: SipRequest) {
    this.#callId = headers.first('Call-ID');
    this.#cseq = parseCSeq(headers.first('CSeq') ?? '')?.number;
    this.#fromTag = parseNameAddr(headers.first('From') ?? '')?.params.get('tag');
    this.#vias = listValues(headers, 'Via').length;
  }

  /**
   * Whether a response with the branch of the request is about it: in another's name it would make a dialog that nobody
   * could end, and one with further Vias was meant for somebody else (RFC 3261 section 8.1.3.3).
   */
  isAnsweredBy({ message, essentials }: Arrival<SipResponse>): boolean {
    const { callId, cseq, fromTag } = essentials;
    const isOfCall = callId === this.#callId && cseq.number === this.#cseq && fromTag === this.#fromTag;
    return isOfCall && listValues(message.headers, 'Via').length <= this.#vias;
  }
}
