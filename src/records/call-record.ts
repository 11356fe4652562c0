import type { CallSnapshot } from '../call/call-observer';
import { isoTime } from '../runtime/iso-time';

/** What is known when a call is about to be answered. Times are ISO 8601 in UTC; unknown is null, never left out. */
export interface CallStartRecord {
  type: 'call.start';
  /** Of this layout; a field may be added without a new number. */
  version: 1;
  /** When this line was written. */
  at: string;
  /** Ours, unique: the key by which an export may be repeated. */
  callId: string;
  sipCallId: string;
  to: string;
  from: string;
  trunk: string | null;
  route: string | null;
  agent: string | null;
  planHash: string | null;
  /** The percentages that were drawn to find the route, in order: a caller whose `point` is below `percent` is taken. */
  splits: CallSnapshot['splits'];
  /** The headers that routes asked for, so that the call can be routed again; null for one that was not there. */
  headers: CallSnapshot['headers'];
  /** The IP address that the INVITE came from: it decides the trunk. */
  sourceAddress: string;
  model: string | null;
  /** `simulator`: a machine without a model was on the line. */
  modelKind: 'api' | 'simulator' | null;
  startedAt: string;
}

/** The whole call in one line: there is exactly one for every call, answered or not. */
export interface CallEndRecord extends Omit<CallStartRecord, 'type'> {
  type: 'call.end';
  answeredAt: string | null;
  firstAudioAt: string | null;
  /** Null after a crash, when nobody was there to see it. */
  endedAt: string | null;
  /** The SIP server was lost then, and the call talked on without it; null for nearly all calls. */
  signallingLostAt: string | null;
  /** From the answer to the end; 0 for a call that was not answered, null after a crash. */
  talkMs: number | null;
  reason: NonNullable<CallSnapshot['endReason']> | { kind: 'crash' } | null;
  blame: CallSnapshot['blame'] | null;
  interruptions: number | null;
  speechGaps: CallSnapshot['speechGaps'] | null;
  tokens: CallSnapshot['tokens'] | null;
  modelConnectMs: number | null;
  /** Each tool that was called: `failure` says why it failed, from a closed list. Null after a crash. */
  tools: { name: string; outcome: string; failure: string | null; durationMs: number | null }[] | null;
  /** What the agent was asked to remember, for whoever takes over. */
  notes: readonly string[] | null;
  media: CallSnapshot['media'] | null;
  /** By the price table; `unpriced` names models that it does not know. Null for a call without a route. */
  cost: CallSnapshot['cost'] | null;
  /** Promises of the route that were not kept, and what was done about each. */
  breaches: CallSnapshot['breaches'] | null;
  /** Destinations that were tried, in order; times in Unix milliseconds. */
  transfers: CallSnapshot['transfers'] | null;
  /** From agent to agent, in order; `agent` is the one that the call ended with. Times in milliseconds since the answer. */
  handoffs: CallSnapshot['handoffs'] | null;
  /** Supervisors who were called, what they did and when; times in Unix milliseconds. */
  supervisions: CallSnapshot['supervisions'] | null;
}

export function callStartRecord(call: CallSnapshot, { atMs }: { atMs: number }): CallStartRecord {
  return { type: 'call.start', ...whatIsKnownEarly(call, atMs) };
}

export function callEndRecord(call: CallSnapshot, { atMs }: { atMs: number }): CallEndRecord {
  const endedAtMs = call.endedAtMs ?? atMs;
  return {
    type: 'call.end',
    ...whatIsKnownEarly(call, atMs),
    answeredAt: isoTimeOrNull(call.answeredAtMs),
    firstAudioAt: isoTimeOrNull(call.firstAudioAtMs),
    endedAt: isoTime(endedAtMs),
    signallingLostAt: isoTimeOrNull(call.signallingLostAtMs),
    talkMs: call.answeredAtMs === undefined ? 0 : Math.max(0, endedAtMs - call.answeredAtMs),
    reason: call.endReason ?? null,
    blame: call.blame ?? null,
    interruptions: call.interruptions,
    speechGaps: call.speechGaps,
    tokens: call.tokens,
    modelConnectMs: call.modelConnectMs ?? null,
    tools: call.tools.map(({ name, outcome, failure, durationMs }) => {
      return { name, outcome, failure: failure ?? null, durationMs: durationMs ?? null };
    }),
    notes: call.notes,
    media: call.media ?? null,
    cost: call.cost ?? null,
    breaches: call.breaches,
    transfers: call.transfers,
    handoffs: call.handoffs,
    supervisions: call.supervisions,
  };
}

/** The end of a call whose process died: what the start said, and no guesses. */
export function crashEndRecord(start: CallStartRecord, { atMs }: { atMs: number }): CallEndRecord {
  return {
    ...start,
    type: 'call.end',
    at: isoTime(atMs),
    answeredAt: null,
    firstAudioAt: null,
    endedAt: null,
    signallingLostAt: null,
    talkMs: null,
    reason: { kind: 'crash' },
    blame: 'us',
    interruptions: null,
    speechGaps: null,
    tokens: null,
    modelConnectMs: null,
    tools: null,
    notes: null,
    media: null,
    cost: null,
    breaches: null,
    transfers: null,
    handoffs: null,
    supervisions: null,
  };
}

function whatIsKnownEarly(call: CallSnapshot, atMs: number): Omit<CallStartRecord, 'type'> {
  return {
    version: 1,
    at: isoTime(atMs),
    callId: call.callId,
    sipCallId: call.sipCallId,
    to: call.to,
    from: call.from,
    trunk: call.trunk ?? null,
    route: call.route ?? null,
    agent: call.agent ?? null,
    planHash: call.planHash ?? null,
    splits: call.splits,
    headers: call.headers,
    sourceAddress: call.sourceAddress,
    model: call.model ?? null,
    modelKind: call.modelKind ?? null,
    startedAt: isoTime(call.startedAtMs),
  };
}

function isoTimeOrNull(unixMs: number | undefined): string | null {
  return unixMs === undefined ? null : isoTime(unixMs);
}
