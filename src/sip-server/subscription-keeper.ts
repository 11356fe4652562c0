import type { Clock } from '../runtime/clock';
import type { Dialog } from './dialog';
import type { HeaderList } from './header-list';
import { transactionLimitMs } from './retransmitter';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';

/** Where neither side says how long, as in most event packages. */
const secondsDefault = 3_600;
const deltaSecondsMax = 0xffff_ffff;

interface SubscriptionKeeperOptions {
  readonly clock: Clock;
  /** No subscription lasts longer without a refresh. */
  readonly secondsMax: number;
  onExpired(dialog: Dialog): void;
}

/** Ends subscriptions that nobody refreshes (RFC 6665), in both roles. */
export class SubscriptionKeeper {
  readonly #options: SubscriptionKeeperOptions;

  constructor(options: SubscriptionKeeperOptions) {
    this.#options = options;
  }

  /** How long a SUBSCRIBE of the peer's counts that `response` accepts, in seconds; written into it (section 4.2.1.1). */
  agree(request: SipRequest, response: SipResponse): number {
    const asked = readExpires(request.headers) ?? secondsDefault;
    const seconds = Math.min(asked, readExpires(response.headers) ?? asked, this.#options.secondsMax);
    response.headers.set('Expires', String(seconds));
    return seconds;
  }

  /** A 2xx has come for a SUBSCRIBE of ours (section 4.1.2.1). */
  noteAnswer(dialog: Dialog, request: SipRequest, response: SipResponse): void {
    this.begin(dialog, readExpires(response.headers) ?? readExpires(request.headers) ?? secondsDefault);
  }

  /** A NOTIFY says how long it still is (section 4.1.3), whoever sent it. */
  noteNotify(dialog: Dialog, { headers }: Pick<SipRequest, 'headers'>): void {
    const params = (headers.first('Subscription-State') ?? '').split(';').slice(1);
    const values = params.map((param) => /^\s*expires\s*=\s*(\d{1,10})\s*$/i.exec(param)?.[1]);
    const seconds = parseDecimal(values.find((value) => value !== undefined) ?? '', deltaSecondsMax);
    if (seconds !== undefined) this.begin(dialog, seconds);
  }

  /** The subscription lasts for so long from now; after that its last NOTIFY may take another 32 s (timer N, section 8). */
  begin(dialog: Dialog, seconds: number): void {
    if (dialog.usage !== 'SUBSCRIBE' || dialog.state === 'ended') return;
    const { clock, secondsMax } = this.#options;
    const lifeMs = Math.min(seconds, secondsMax) * 1_000 + transactionLimitMs;
    dialog.subscriptionTimer?.cancel();
    dialog.subscriptionTimer = clock.setTimer(lifeMs, () => this.#options.onExpired(dialog));
  }
}

function readExpires(headers: HeaderList): number | undefined {
  return parseDecimal((headers.first('Expires') ?? '').trim(), deltaSecondsMax);
}
