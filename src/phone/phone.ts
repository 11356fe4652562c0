import { hostOfUri } from '../signalling/sip-text';
import { PhoneCall, type PhoneCallOptions } from './phone-call';
import type { PhoneOptions } from './phone-options';

/** A SIP phone for tests, the demo, the capacity test and `ringbridge call`. It holds any number of calls. */
export class Phone {
  readonly #options: PhoneOptions;
  readonly #calls = new Set<PhoneCall>();

  constructor(options: PhoneOptions) {
    this.#options = options;
  }

  /** Calls that are not over. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Sends an INVITE; what follows shows on the call. Rejects with an `Error` when no media port is free. */
  async call(uri: string, options: PhoneCallOptions): Promise<PhoneCall> {
    const { media, random } = this.#options;
    const leg = await media.create({ callId: random.uuid(), signallingAddress: hostOfUri(uri) });
    const call = new PhoneCall(this.#options, { uri, leg, offer: await leg.offer(), options });
    this.#calls.add(call);
    void call.ended.then(() => this.#calls.delete(call));
    return call;
  }

  /** Hangs up whatever still goes on. The link stays open. */
  close(): void {
    for (const call of this.#calls) call.hangUp();
  }
}
