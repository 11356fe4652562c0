import { findSilence, findTurns, type Turn } from './turns';

/** Both directions of a call from its answer on, of one length. */
export interface CallRecording {
  rateHz: number;
  /** What the phone sent, and what it heard. */
  caller: Int16Array;
  agent: Int16Array;
  /** The call was longer than what is kept. */
  cut: boolean;
}

/** Who ended the call: the phone, the other side, or a fault between them. */
export type EndedBy = 'caller' | 'agent' | 'network';

/** What happened, in milliseconds since the INVITE. */
export type PhoneEvent = { atMs: number } & (
  | { kind: 'ringing'; status: number }
  | { kind: 'answered' }
  | { kind: 'first-audio' }
  | { kind: 'digit'; digit: string }
  | { kind: 'hold' | 'resume' }
  | { kind: 'failed'; why: string }
  | { kind: 'ended'; by: EndedBy; why: string | undefined }
);

/** The caller spoke over the agent. Milliseconds from the answer. */
export interface Interruption {
  atMs: number;
  /** Until the agent was silent; undefined when it never was. */
  agentSilentAfterMs: number | undefined;
}

/** A call as its caller lived through it. */
export interface CallTimeline {
  ringingAfterMs: number | undefined;
  /** From the INVITE. */
  answeredAfterMs: number | undefined;
  /** From the answer to the first sound. */
  firstAudioAfterMs: number | undefined;
  /** From the answer to the end. */
  durationMs: number | undefined;
  endedBy: EndedBy | undefined;
  /** Why there was no call, or why it ended. */
  why: string | undefined;
  /** Milliseconds from the answer. */
  callerTurns: readonly Turn[];
  agentTurns: readonly Turn[];
  interruptions: readonly Interruption[];
  digits: readonly string[];
  recordingCut: boolean;
}

/** Silence of the agent that counts as having stopped. */
const stoppedMs = 200;

/** An agent that had only just begun was not interrupted: both began at once. */
const overlapMinMs = 100;

/** A good agent is silent after some frames; one that ends within fewer ended by itself. */
const overlapEndMs = 50;

export function timelineOf(call: {
  events: readonly PhoneEvent[];
  recording: CallRecording | undefined;
}): CallTimeline {
  const { events, recording } = call;
  const at = (kind: PhoneEvent['kind']): number | undefined => events.find((event) => event.kind === kind)?.atMs;
  const sinceAnswer = (ms: number | undefined): number | undefined =>
    ms === undefined || answeredAfterMs === undefined ? undefined : ms - answeredAfterMs;
  const answeredAfterMs = at('answered');
  const end = events.find((event) => event.kind === 'ended' || event.kind === 'failed');
  const callerTurns = recording === undefined ? [] : findTurns(recording.caller, recording.rateHz);
  const agentTurns = recording === undefined ? [] : findTurns(recording.agent, recording.rateHz);
  return {
    ringingAfterMs: at('ringing'),
    answeredAfterMs,
    firstAudioAfterMs: sinceAnswer(at('first-audio')),
    durationMs: sinceAnswer(end?.atMs),
    endedBy: end?.kind === 'ended' ? end.by : undefined,
    why: end?.why,
    callerTurns,
    agentTurns,
    interruptions: recording === undefined ? [] : findInterruptions(recording, { callerTurns, agentTurns }),
    digits: events.flatMap((event) => (event.kind === 'digit' ? [event.digit] : [])),
    recordingCut: recording?.cut ?? false,
  };
}

function findInterruptions(
  recording: CallRecording,
  turns: { callerTurns: readonly Turn[]; agentTurns: readonly Turn[] },
): Interruption[] {
  const during = (ms: number): boolean =>
    turns.agentTurns.some(({ startMs, endMs }) => ms >= startMs + overlapMinMs && ms <= endMs - overlapEndMs);
  return turns.callerTurns
    .filter(({ startMs }) => during(startMs))
    .map(({ startMs }) => {
      const silentAtMs = findSilence(recording.agent, recording.rateHz, { fromMs: startMs, forMs: stoppedMs });
      return { atMs: startMs, agentSilentAfterMs: silentAtMs === undefined ? undefined : silentAtMs - startMs };
    });
}
