import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { CdrStopReason } from './cdr-event';
import type { CdrReporter } from './cdr-reporter';
import type { Dialog } from './dialog';
import type { Credentials } from './answer-challenge';
import type { DialogTable } from './dialog-table';
import type { FindTargets } from './find-targets';
import type { LocalSide } from './local-side';
import type { Locator } from './locator';
import type { SessionKeeper } from './session-keeper';
import type { SipMessage } from './sip-message';
import type { SipServerStats } from './stats';
import type { SubscriptionKeeper } from './subscription-keeper';
import type { TransactionLayer } from './transaction-layer';
import type { Flow } from './transport';

/** What the parts of the user agent share. */
export interface AgentContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  readonly transactions: TransactionLayer;
  readonly dialogs: DialogTable;
  readonly locator: Locator;
  readonly cdr: CdrReporter;
  readonly sessions: SessionKeeper;
  readonly subscriptions: SubscriptionKeeper;
  localSideOf(flow: Flow): LocalSide;
  readonly findTargets: FindTargets;
  /** Who we are to the trunk that is called by `host` or at `address`; undefined: nobody gets credentials of ours. */
  credentialsFor(to: { host: string; address: string }): Credentials | undefined;
  /** Sends outside transactions: an ACK for a 2xx. Failure is silent, as the 2xx will be repeated. */
  sendOnce(message: SipMessage, flow: Flow): Buffer;
  /** Ends a dialog of its own accord with a BYE that says why; the application is told. */
  hangUp(dialog: Dialog, text: string, reason?: CdrStopReason): void;
  /** The same for a fork that the application knows nothing of: its id means the one that goes on. */
  hangUpUnheard(dialog: Dialog, text: string): void;
  /** Ends a subscription of its own accord; the application is told, and so is a peer that subscribed. */
  endSubscription(dialog: Dialog, text: string): void;
}

/** A new From or To tag (RFC 3261 section 19.3). */
export function newTag(random: Random): string {
  return random.bytes(8).toString('hex');
}
