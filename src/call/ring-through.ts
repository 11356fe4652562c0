import type { MediaLeg } from '../media/media-leg';
import { dial } from '../dialplan/dial';
import type { Destination } from '../dialplan/destination';
import type { Call } from './call';
import { CallerLine } from './caller-line';
import { comeUp, type PreparedMedia } from './come-up';
import { failureStatuses, type TransferFailure } from './transfer-outcome';
import { Transfers } from './transfers';

/** Where a call may be sent; undefined: nowhere. */
type Reachable = ReadonlyMap<string, Destination> | undefined;

/** The transfers of a call whose media and line are made. */
export function transfersOf(call: Call, media: MediaLeg, line: CallerLine, reachable: Reachable): Transfers {
  const { clock, media: factory, prompts, destinationLimits, placeCall } = call.services;
  const { route = '', leg } = call;
  const { trunk } = call.snapshot();
  return new Transfers({
    services: { clock, logger: call.logger, media: factory, destinationLimits, placeCall },
    prompts,
    callId: call.callId,
    leg,
    media,
    line,
    destinations: {
      named: reachable ?? new Map(),
      dial: (destination) => dial(destination, { call: leg.info, route, trunk }),
    },
    host: { emit: (event) => call.emit(event), end: (reason) => call.end(reason) },
  });
}

/**
 * Joins a caller who is not answered yet with a destination: the caller's phone rings until somebody answers, and is
 * answered then. When nobody does, the caller gets the SIP status that tells why.
 */
export async function ringThrough(
  call: Call,
  media: PreparedMedia,
  {
    destination,
    reachable,
    lengthLimitMs,
  }: { destination: string; reachable: Reachable; lengthLimitMs: number | undefined },
): Promise<void> {
  const line = new CallerLine({ source: { pull: (frame) => frame.fill(0) }, onAudio: () => undefined });
  call.adoptTransfers(transfersOf(call, media.leg, line, reachable));
  const failure = await new Promise<TransferFailure | undefined>((resolve) => {
    call.transfer(destination, { onJoined: () => resolve(undefined), onFailed: resolve });
  });
  if (call.isEnding()) return;
  if (failure !== undefined) {
    call.end({ kind: 'bridge-failed', failure, status: failureStatuses[failure] });
    return;
  }
  const isUp = await comeUp(call, media, line, () => undefined);
  // It may have ended in the meantime.
  if (isUp && !call.isEnding()) call.active({ sessionExpiresAtMs: undefined, lengthLimitMs });
}
