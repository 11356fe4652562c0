import type { MediaLeg } from '../media/media-leg';
import { dial, type Dialling } from '../dialplan/dial';
import type { Destination } from '../dialplan/destination';
import type { Call } from './call';
import { CallerLine } from './caller-line';
import { comeUp, type PreparedMedia } from './come-up';
import { failureStatuses, type TransferFailure } from './transfer-outcome';
import { Supervisions } from './supervisions';
import type { TransferServices } from './transfer';
import { Transfers } from './transfers';

/** Where a call may be sent; undefined: nowhere. */
type Reachable = ReadonlyMap<string, Destination> | undefined;

/** The transfers of a call whose media and line are made. */
export function transfersOf(call: Call, media: MediaLeg, line: CallerLine, reachable: Reachable): Transfers {
  return new Transfers({
    services: servicesOf(call),
    prompts: call.services.prompts,
    callId: call.callId,
    leg: call.leg,
    media,
    line,
    destinations: {
      named: reachable ?? new Map(),
      dial: (destination) => dialFor(call, destination),
    },
    host: { emit: (event) => call.emit(event), end: (reason) => call.end(reason) },
  });
}

/** The supervisors of a call whose media and line are made. */
export function supervisionsOf(call: Call, media: MediaLeg, line: CallerLine): Supervisions {
  const { leg } = call;
  return new Supervisions({
    services: servicesOf(call),
    callId: call.callId,
    leg,
    media,
    line,
    dial: (destination) => dialFor(call, destination),
    host: {
      isUp: () => call.state === 'active' && !call.isEnding(),
      emit: (event) => call.emit(event),
      end: (reason) => call.end(reason),
      onTakeOver: () => call.takenOver(),
    },
  });
}

function servicesOf({ services, logger }: Call): TransferServices {
  const { clock, media, destinationLimits, placeCall } = services;
  return { clock, logger, media, destinationLimits, placeCall };
}

function dialFor(call: Call, destination: Destination): Dialling {
  const { trunk, route = '' } = call.snapshot();
  return dial(destination, { call: call.leg.info, route, trunk });
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
  const line = new CallerLine({
    source: { pull: (frame) => frame.fill(0) },
    agent: undefined,
    onAudio: () => undefined,
  });
  call.adoptTransfers(transfersOf(call, media.leg, line, reachable));
  call.adoptSupervisions(supervisionsOf(call, media.leg, line));
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
