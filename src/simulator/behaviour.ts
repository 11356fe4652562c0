import type { Random } from '../runtime/random';
import type { ConversationItem } from './conversation-item';
import type { Speech } from './encoded-audio';
import type { Fault } from './fault';
import type { AudioClip } from './input-audio';

/** What a simulated model says and does. One object serves any number of sessions. */
export interface Behaviour {
  /** As written in `RINGBRIDGE_SIMULATOR`: `receptionist`, `tone:600` ... */
  readonly name: string;
  /** The behaviour's memory of one session. */
  open(random: Random): BehaviourRun;
}

/** A behaviour in one session. Called synchronously; must not throw. */
export interface BehaviourRun {
  /** False: turn detection finds no speech, so that nothing the caller does ends a turn or interrupts. */
  readonly listens: boolean;
  /** What goes wrong with the session by itself, counted from its start. */
  readonly faults: readonly Fault[];
  /** What the transcription makes of a turn of the caller; asked once for each, before any answer to it. */
  hear(turn: CallerTurn): HeardTurn;
  /** The answer to one `response.create`, or to the end of a turn. */
  respond(request: ResponseRequest): ResponsePlan;
  /** What came of the last answer before it ended or was cancelled. */
  done(made: MadeOutput): void;
}

export interface MadeOutput {
  audioMs: number;
  /** Messages and function calls that were begun. */
  items: number;
}

export interface CallerTurn {
  audio: AudioClip;
  /** The idle timeout made this turn: it holds silence. */
  idle: boolean;
}

export interface HeardTurn {
  transcript: string;
  /** From the commit to the first transcription event; left to chance when undefined. */
  delayMs?: number | undefined;
  /** Transcription fails with this instead. */
  failure?: { code: string; message: string } | undefined;
}

export interface ResponseRequest {
  cause: 'client' | 'turn' | 'idle';
  /** Of this response only; undefined when the session's apply. */
  instructions: string | undefined;
  metadata: Readonly<Record<string, string>> | null;
  /** What the response is to answer: the last item of its context. */
  lastItem: ConversationItem | undefined;
  /** What the caller said last. */
  callerAudio: AudioClip | undefined;
}

export type PlannedOutput =
  /** `text` is what a text response writes and the transcript of a spoken one. */
  { kind: 'message'; text: string; speech: Speech } | { kind: 'function-call'; name: string; argumentsText: string };

export interface ResponsePlan {
  /** From `response.created` to the first output, on top of the session's latency. */
  delayMs?: number;
  outputs: readonly PlannedOutput[];
  /** The response ends `failed` with this once the outputs are out. */
  failure?: { type: string; code: string; message: string } | undefined;
  /** The `response.create` is refused with this: no response comes of it. */
  refusal?: { type: string; code: string; message: string } | undefined;
  /** Counted from `response.created`. */
  faults?: readonly Fault[];
}
