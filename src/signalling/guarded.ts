import type { Logger } from '../runtime/logger';
import { messageOf } from '../runtime/errors';
import type { CallerLeg } from './caller-leg';

/** Something was thrown that nobody expected: a bug of ours. */
export interface SignallingBug {
  /** The listener it escaped from, such as `INVITE` or `dialog.modify`. */
  where: string;
  cause: unknown;
  /** The call it belongs to; undefined outside an inbound call. */
  leg: CallerLeg | undefined;
}

/** Told of every bug; the call that owns the leg should end. */
export type OnSignallingBug = (bug: SignallingBug) => void;

/** Wraps a listener so that nothing it throws or rejects with reaches srf. */
export type Guard = <Args extends unknown[]>(
  where: string,
  listener: (...args: Args) => unknown,
) => (...args: Args) => void;

/**
 * The only way in which srf's listeners and callbacks are registered. srf drops a message from its buffer only after
 * every listener has returned: one throw and the same message comes again on each read, and nothing behind it is ever
 * processed.
 */
export function createGuard(options: { log: Logger; onBug: OnSignallingBug; leg?: CallerLeg }): Guard {
  const { log, onBug, leg } = options;
  const report = (where: string, cause: unknown): void => {
    try {
      log.error({ where, sipCallId: leg?.info.sipCallId, cause: describe(cause) }, 'bug in a signalling listener');
      onBug({ where, cause, leg });
    } catch (failure) {
      log.error({ where, cause: messageOf(failure) }, 'the bug hook failed');
    }
  };
  return (where, listener) =>
    (...args) => {
      try {
        const result = listener(...args);
        if (result instanceof Promise) result.catch((cause: unknown) => report(where, cause));
      } catch (cause) {
        report(where, cause);
      }
    };
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
