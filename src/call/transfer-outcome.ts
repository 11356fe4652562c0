import type { DestinationFallbacks } from '../dialplan/destination';
import type { OutboundFailure } from '../signalling/callee-leg';

/** Why a destination was not reached. `refused`: the limits of the destination. */
export type TransferFailure = 'busy' | 'no-answer' | 'declined' | 'failed' | 'refused';

export type TransferOutcome =
  | TransferFailure
  /** The destination answered, and the two talk. */
  | 'joined'
  /** The caller's side has reached the destination itself. */
  | 'referred'
  /** The call ended, or the plan was changed, before anybody answered. */
  | 'cancelled';

/** One destination that was tried. Times are Unix milliseconds. */
export interface TransferAttempt {
  destination: string;
  method: 'bridge' | 'refer';
  /** Undefined while it is being tried. */
  outcome: TransferOutcome | undefined;
  /** The SIP status that decided, or a few words; undefined when there is nothing to add. */
  detail: string | undefined;
  startedAtMs: number;
  /** When it was decided. */
  decidedAtMs: number | undefined;
  /** When the two had finished talking. */
  endedAtMs: number | undefined;
}

/** What the statuses that refuse mean for a caller (RFC 3261 section 21). */
export function failureOfStatus(status: number): TransferFailure {
  switch (status) {
    case 486:
    case 600:
      return 'busy';
    case 408:
    case 480:
    case 487:
      return 'no-answer';
    // 607: RFC 8197.
    case 603:
    case 607:
      return 'declined';
    default:
      return 'failed';
  }
}

export function failureOf(failure: OutboundFailure): { failure: TransferFailure; detail: string | undefined } {
  switch (failure.kind) {
    case 'rejected':
      return { failure: failureOfStatus(failure.status), detail: String(failure.status) };
    case 'timeout':
      return { failure: 'no-answer', detail: undefined };
    case 'no-sdp':
      return { failure: 'failed', detail: 'answered without audio' };
    case 'not-sent':
      return { failure: 'failed', detail: 'could not be sent' };
    case 'server-gone':
      return { failure: 'failed', detail: 'the SIP server is gone' };
  }
}

/** Which destination comes next; whoever declines is asked no more than whoever is busy. */
export function fallbackFor(failure: TransferFailure, { busy, noAnswer, failure: other }: DestinationFallbacks) {
  switch (failure) {
    case 'busy':
    case 'declined':
      return busy;
    case 'no-answer':
      return noAnswer;
    case 'failed':
    case 'refused':
      return other;
  }
}

/** For the model, which is to tell the caller. */
export const failureSentences: Readonly<Record<TransferFailure, string>> = {
  busy: 'The line is busy.',
  'no-answer': 'Nobody answered.',
  declined: 'The call was declined.',
  failed: 'The destination could not be reached.',
  refused: 'No more calls are put through there at the moment.',
};

/** The SIP status for a caller who was never answered. */
export const failureStatuses: Readonly<Record<TransferFailure, number>> = {
  busy: 486,
  'no-answer': 480,
  declined: 603,
  failed: 503,
  refused: 486,
};
