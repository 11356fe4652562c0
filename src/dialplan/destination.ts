import type { Recording } from '../audio/recording';
import { invariant } from '../runtime/invariant';
import { numberForm, userPrefix } from './destination-schema';
import type { DestinationEntry, SupervisionMode } from './destination-schema';
import type { Trunk } from './trunk';

/** Somewhere a call can be sent. */
export interface Destination {
  readonly name: string;
  readonly target: DestinationTarget;
  /** `bridge` keeps the call here and joins the two; `refer` hands it over (RFC 3515). */
  readonly method: 'bridge' | 'refer';
  readonly ringLimitMs: number;
  /** Names of destinations for when this one is busy, silent or out of reach. */
  readonly otherwise: DestinationFallbacks;
  /** Headers of the outgoing call, with variables of the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** What callers hear until it answers. */
  readonly waiting: 'music' | 'ringing' | Recording;
  readonly limits: DestinationLimitRules;
  /** What a supervisor there may do with calls that are up; undefined: nothing, it is none. */
  readonly supervises?: readonly SupervisionMode[] | undefined;
}

/** How many calls go there; undefined is no limit. */
export interface DestinationLimitRules {
  readonly callsMax: number | undefined;
  readonly callsPerMinuteMax: number | undefined;
}

export interface DestinationFallbacks {
  readonly busy: string | undefined;
  readonly noAnswer: string | undefined;
  readonly failure: string | undefined;
}

export type DestinationTarget =
  /** `trunk`: what it is sent by, in the place of the address's own host. */
  | { readonly kind: 'address'; readonly uri: string; readonly trunk: Trunk | undefined }
  | { readonly kind: 'number'; readonly number: string; readonly trunk: Trunk }
  /** The phones that a user registered. */
  | { readonly kind: 'user'; readonly user: string };

/** By how the plan calls them: `file:` and a path. */
type Recordings = ReadonlyMap<string, { readonly sound: Recording }>;

/** A destination of an entry that was checked before. */
export function toDestination(
  name: string,
  entry: DestinationEntry,
  named: { trunks: ReadonlyMap<string, Trunk>; recordings: Recordings },
): Destination {
  const { method, ring, otherwise, headers = {}, waiting, limits, supervisor } = entry;
  const fallbacks =
    typeof otherwise === 'string' ? { busy: otherwise, no_answer: otherwise, failure: otherwise } : otherwise;
  return {
    name,
    target: toTarget(entry, named.trunks),
    method,
    ringLimitMs: ring,
    otherwise: { busy: fallbacks?.busy, noAnswer: fallbacks?.no_answer, failure: fallbacks?.failure },
    headers,
    waiting: toWaiting(waiting, named.recordings),
    limits: { callsMax: limits?.calls, callsPerMinuteMax: limits?.calls_per_minute },
    ...(supervisor !== undefined && { supervises: supervisor }),
  };
}

function toWaiting(waiting: string, recordings: Recordings): Destination['waiting'] {
  if (waiting === 'music' || waiting === 'ringing') return waiting;
  const recording = recordings.get(waiting);
  invariant(recording !== undefined, 'files that cannot be read were refused');
  return recording.sound;
}

function toTarget({ to, trunk: name }: DestinationEntry, trunks: ReadonlyMap<string, Trunk>): DestinationTarget {
  if (to.startsWith(userPrefix)) return { kind: 'user', user: to.slice(userPrefix.length) };
  const trunk = name === undefined ? undefined : trunks.get(name);
  if (!numberForm.test(to)) return { kind: 'address', uri: to, trunk };
  invariant(trunk !== undefined, 'numbers without a trunk were refused');
  return { kind: 'number', number: to, trunk };
}
