import type { CallerHangUp } from '../signalling/caller-leg';
import type { SessionEnded } from '../realtime/session-listener';
import type { MediaFailure } from '../media/media-leg';
import { unreachable } from '../runtime/invariant';
import type { Breach } from './guarantees';
import type { TransferFailure } from './transfer-outcome';

/** Why a call ended: closed, so that the compiler lists what was forgotten. The first reason wins. */
export type EndReason =
  | { kind: 'caller-hung-up'; how: CallerHangUp }
  | { kind: 'agent-hung-up' }
  | { kind: 'rejected-by-plan'; status: number }
  | { kind: 'redirected-by-plan'; contact: string }
  | { kind: 'route-full'; message: string }
  | { kind: 'no-route' }
  | { kind: 'bad-offer'; status: 400 | 488; message: string }
  | { kind: 'model-unavailable'; message: string; status: number }
  | { kind: 'model-lost'; ended: SessionEnded }
  | { kind: 'model-too-fast'; queuedMs: number }
  | { kind: 'session-limit' }
  | { kind: 'length-limit' }
  | { kind: 'cost-limit' }
  /** Nobody answered the last check-in. */
  | { kind: 'caller-idle' }
  /** The model's responses fail, and trying again did not help; `code` is the API's. */
  | { kind: 'model-failing'; code: string }
  /** What the route promises could not be kept by any remedy. */
  | { kind: 'guarantee-broken'; guarantee: Breach['guarantee'] }
  /** The caller's side has called the destination itself (REFER). */
  | { kind: 'transferred'; destination: string }
  /** The caller talked to a destination, and that side ended it. */
  | { kind: 'transfer-ended'; destination: string }
  /** A route that joins callers with a destination reached nobody. */
  | { kind: 'bridge-failed'; failure: TransferFailure; status: number }
  | { kind: 'media-failed'; failure: MediaFailure }
  | { kind: 'no-media-port'; message: string }
  | { kind: 'overload'; message: string }
  | { kind: 'draining' }
  /** The process that had the call is gone; the process that it worked for says so. */
  | { kind: 'worker-lost'; message: string }
  | { kind: 'internal-error'; message: string };

/** Of a caller and a destination who talked, when the destination's side is gone; `failure`: its media failed. */
export function endOfTalk(destination: string, failure: MediaFailure | undefined): EndReason {
  // A phone that falls silent is gone. Whose media broke is not: when FreeSWITCH dies, one of the two legs is told first.
  if (failure?.kind === 'media-error') return { kind: 'media-failed', failure };
  return { kind: 'transfer-ended', destination };
}

/** Who answers for the end: `upstream` is the model's side or the SIP server, `us` is Ringbridge or its settings. */
export type Blame = 'nobody' | 'caller' | 'upstream' | 'us';

export function blameFor(reason: EndReason): Blame {
  switch (reason.kind) {
    case 'caller-hung-up':
      return reason.how.kind === 'lost' ? 'caller' : reason.how.kind === 'server-gone' ? 'upstream' : 'nobody';
    case 'agent-hung-up':
    case 'rejected-by-plan':
    case 'redirected-by-plan':
    case 'route-full':
    case 'session-limit':
    case 'length-limit':
    case 'cost-limit':
    case 'caller-idle':
    case 'draining':
    case 'transferred':
    case 'transfer-ended':
      return 'nobody';
    case 'bridge-failed':
      return reason.failure === 'failed' ? 'upstream' : 'nobody';
    case 'no-route':
    case 'bad-offer':
      return 'caller';
    case 'model-unavailable':
    case 'model-lost':
    case 'model-too-fast':
    case 'model-failing':
    case 'guarantee-broken':
      return 'upstream';
    case 'media-failed':
      return reason.failure.kind === 'media-timeout' ? 'caller' : 'us';
    case 'no-media-port':
    case 'overload':
    case 'worker-lost':
    case 'internal-error':
      return 'us';
    default:
      return unreachable(reason);
  }
}

/** The final SIP answer for a call that ends before its 200 OK; undefined when the caller needs none. */
export function sipStatusFor(reason: EndReason): number | undefined {
  switch (reason.kind) {
    case 'caller-hung-up':
      return undefined;
    case 'rejected-by-plan':
    case 'bad-offer':
    case 'model-unavailable':
    case 'bridge-failed':
      return reason.status;
    case 'redirected-by-plan':
      return 302;
    case 'no-route':
      return 404;
    case 'route-full':
      return 486;
    case 'model-lost':
    case 'model-too-fast':
    case 'agent-hung-up':
    case 'session-limit':
    case 'length-limit':
    case 'cost-limit':
    case 'caller-idle':
    case 'model-failing':
    case 'guarantee-broken':
    case 'transferred':
    case 'transfer-ended':
      return 480;
    case 'media-failed':
    case 'internal-error':
      return 500;
    case 'no-media-port':
    case 'overload':
    case 'draining':
    case 'worker-lost':
      return 503;
    default:
      return unreachable(reason);
  }
}
