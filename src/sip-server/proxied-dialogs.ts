import type { Clock, Timer } from '../runtime/clock';
import type { Essentials } from './essentials';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';

/** A dialog without any request in this time is forgotten, as one end may have died without a BYE. */
const quietLimitMs = 12 * 3_600_000;
/** RFC 4028 section 10: how long a session that must be refreshed may be late. */
const sessionGraceMs = 32_000;

/** A dialog between two others that passes through us. */
export interface ProxiedDialog {
  readonly callerTag: string;
  readonly usage: 'INVITE' | 'SUBSCRIBE';
  /** Our Record-Route URIs. */
  readonly recordRoutes: readonly string[];
  /** How each side was last heard of. */
  callerFlow: Flow;
  targetFlow: Flow;
  isConfirmed: boolean;
  quietLimitMs: number;
  timer: Timer;
}

interface Passing {
  /** The request that begins the dialog. */
  readonly request: Arrival<SipRequest>;
  readonly response: Arrival<SipResponse>;
  readonly recordRoutes: readonly string[];
}

/** The dialogs that pass through, each known by its Call-ID and tags in either direction. */
export class ProxiedDialogs {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, ProxiedDialog>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** A response that makes a dialog (101 to 199 with a tag) or confirms one (2xx) passes. */
  add({ request, response, recordRoutes }: Passing): void {
    const { essentials, message, flow } = response;
    const key = keyOf(essentials);
    if (essentials.toTag === undefined) return;
    const dialog = this.#byKey.get(key) ?? {
      callerTag: essentials.fromTag ?? '',
      usage: request.message.method === 'SUBSCRIBE' ? ('SUBSCRIBE' as const) : ('INVITE' as const),
      recordRoutes,
      callerFlow: request.flow,
      targetFlow: flow,
      isConfirmed: false,
      quietLimitMs,
      timer: this.#clock.setTimer(quietLimitMs, () => this.#byKey.delete(key)),
    };
    this.#byKey.set(key, dialog);
    if (message.status < 200) return;
    dialog.isConfirmed = true;
    const sessionSeconds = parseDecimal(
      (message.headers.first('Session-Expires') ?? '').split(';')[0]?.trim() ?? '',
      86_400,
    );
    if (sessionSeconds !== undefined) dialog.quietLimitMs = sessionSeconds * 1_000 + sessionGraceMs;
    this.#restart(key, dialog);
  }

  /** The dialog of a request; it lives on from now. */
  find(essentials: Essentials): ProxiedDialog | undefined {
    const key = keyOf(essentials);
    const dialog = this.#byKey.get(key);
    if (dialog !== undefined) this.#restart(key, dialog);
    return dialog;
  }

  /** An early dialog that came to nothing. */
  removeUnconfirmed(essentials: Essentials): void {
    if (this.#byKey.get(keyOf(essentials))?.isConfirmed === false) this.remove(essentials);
  }

  remove(essentials: Essentials): void {
    const key = keyOf(essentials);
    this.#byKey.get(key)?.timer.cancel();
    this.#byKey.delete(key);
  }

  close(): void {
    for (const { timer } of this.#byKey.values()) timer.cancel();
    this.#byKey.clear();
  }

  #restart(key: string, dialog: ProxiedDialog): void {
    dialog.timer.cancel();
    dialog.timer = this.#clock.setTimer(dialog.quietLimitMs, () => this.#byKey.delete(key));
  }
}

/** The same for both directions. Identifiers hold no space. */
function keyOf({ callId, fromTag = '', toTag = '' }: Essentials): string {
  return `${callId} ${[fromTag, toTag].sort().join(' ')}`;
}
