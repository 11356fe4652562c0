import { dirname, resolve } from 'node:path';

import { parseDurationMs } from '../runtime/duration';
import { messageOf } from '../runtime/errors';
import { seededRandom } from '../runtime/random';
import { RecordedSpeech, type Speech } from './encoded-audio';
import type { Fault } from './fault';
import { readPrompt, readSmallFile } from './prompts';
import type { Scenario, ScenarioTurn } from './scenario';
import type { Shape } from './shape';
import { anArray, anInteger, anObject, aString, either, isObject, oneOf } from './shape';
import { speechLike } from './speech-like';
import { SteadyTone } from './steady-tone';

export type ReadScenario = { kind: 'scenario'; scenario: Scenario } | { kind: 'invalid'; reason: string };

/**
 * Reads a scenario: a JSON file with `turns`, each of them one answer of the model (docs/simulator.md shows examples).
 *
 * A turn may have `caller` (what the transcription says of the turn before it), `transcription` (`delay`, `error`),
 * `delay` before the first output, `say` with `audio` (a WAV file beside the scenario or among the shipped prompts,
 * `tone:HZ:LENGTH`, or `speech:LENGTH`; left out: as much speech-like sound as the words take), `calls` (`name`,
 * `arguments`), `error` (the response fails), `refuse` (no response comes of it) and `faults`. Beside `turns` there may
 * be `idle` and `farewell` (a turn each), `after` (`repeat-last` or `start-again`) and `faults` of the whole session.
 * A fault has `after` and one of `close` with `reason`, `abort`, `stall`, `malformed`, `error`. Durations are texts with
 * a unit, as in dialplans.
 */
export function readScenario(file: string, { audioFolder }: { audioFolder: string }): ReadScenario {
  let text: string;
  try {
    text = readSmallFile(file, scenarioBytesMax).toString('utf8');
  } catch (cause) {
    return { kind: 'invalid', reason: `${file}: ${messageOf(cause)}` };
  }
  const read = parseScenario(text, { folders: [dirname(resolve(file)), audioFolder] });
  return read.kind === 'invalid' ? { kind: 'invalid', reason: `${file}: ${read.reason}` } : read;
}

/** The same for a text; `folders` are where its WAV files are looked for. */
export function parseScenario(text: string, { folders }: { folders: string[] }): ReadScenario {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return { kind: 'invalid', reason: messageOf(cause) };
  }
  const found = scenarioShape(json);
  if (found !== undefined) return { kind: 'invalid', reason: `${found.param || 'the file'}: ${found.message}` };
  try {
    // The shape has just said so.
    return { kind: 'scenario', scenario: scenarioOf(json as ScenarioJson, folders) };
  } catch (cause) {
    if (cause instanceof UnreadableAudio) return { kind: 'invalid', reason: cause.message };
    throw cause;
  }
}

const scenarioBytesMax = 1_000_000;
const turnsMax = 1_000;
const faultsMax = 100;
const callsMax = 32;
const speechMsMax = 10 * 60_000;
/** As people talk: about 150 words a minute. */
const msPerWord = 400;

interface ErrorJson {
  type?: string;
  code: string;
  message?: string;
}

interface FaultJson {
  after?: string;
  close?: number;
  reason?: string;
  abort?: boolean;
  stall?: string;
  malformed?: string;
  error?: ErrorJson;
}

interface TurnJson {
  caller?: string;
  transcription?: { delay?: string; error?: ErrorJson };
  delay?: string;
  say?: string;
  audio?: string;
  calls?: { name: string; arguments?: unknown }[];
  error?: ErrorJson;
  refuse?: ErrorJson;
  faults?: FaultJson[];
}

interface ScenarioJson {
  description?: string;
  turns: TurnJson[];
  after?: Scenario['after'];
  idle?: TurnJson;
  farewell?: TurnJson;
  faults?: FaultJson[];
}

const aDuration: Shape = (value) => {
  if (typeof value === 'string' && parseDurationMs(value) !== undefined) return undefined;
  return { code: 'invalid_value', message: 'expected a duration with its unit, such as 500ms or 6s', param: '' };
};

const aText = aString({ atMost: 10_000 });
const anErrorShape = anObject({ type: aText, code: aText, message: aText }, { required: ['code'] });

const faultShape: Shape = (value) =>
  anObject({
    after: aDuration,
    close: anInteger({ atLeast: 1_000, atMost: 4_999 }),
    reason: aString({ atMost: 123 }),
    abort: oneOfValues([true]),
    stall: either(
      [
        { when: (stall) => stall === 'forever', shape: () => undefined },
        { when: () => true, shape: aDuration },
      ],
      '',
    ),
    malformed: aText,
    error: anErrorShape,
  })(value) ?? exactlyOneFault(value);

function exactlyOneFault(value: unknown): ReturnType<Shape> {
  const kinds = ['close', 'abort', 'stall', 'malformed', 'error'];
  const count = isObject(value) ? kinds.filter((kind) => kind in value).length : 0;
  if (count === 1) return undefined;
  return { code: 'invalid_value', message: `expected exactly one of ${kinds.join(', ')}`, param: '' };
}

function oneOfValues(values: readonly unknown[]): Shape {
  return (value) =>
    values.includes(value)
      ? undefined
      : { code: 'invalid_value', message: `expected ${values.join(' or ')}`, param: '' };
}

const faultsShape = anArray(faultShape, { atMost: faultsMax });

const turnShape = anObject({
  caller: aText,
  transcription: anObject({ delay: aDuration, error: anErrorShape }),
  delay: aDuration,
  say: aText,
  audio: aText,
  calls: anArray(anObject({ name: aText, arguments: () => undefined }, { required: ['name'] }), { atMost: callsMax }),
  error: anErrorShape,
  refuse: anErrorShape,
  faults: faultsShape,
});

const scenarioShape = anObject(
  {
    description: aText,
    turns: anArray(turnShape, { atMost: turnsMax }),
    after: oneOf(['repeat-last', 'start-again']),
    idle: turnShape,
    farewell: turnShape,
    faults: faultsShape,
  },
  { required: ['turns'] },
);

class UnreadableAudio extends Error {
  override readonly name = 'UnreadableAudio';
}

function scenarioOf(json: ScenarioJson, folders: string[]): Scenario {
  return {
    faults: (json.faults ?? []).map(faultOf),
    turns: json.turns.map((turn) => turnOf(turn, folders)),
    after: json.after ?? 'repeat-last',
    idle: json.idle === undefined ? undefined : turnOf(json.idle, folders),
    farewell: json.farewell === undefined ? undefined : turnOf(json.farewell, folders),
  };
}

function turnOf(json: TurnJson, folders: string[]): ScenarioTurn {
  return {
    caller: json.caller,
    transcription: {
      delayMs: json.transcription?.delay === undefined ? undefined : msOf(json.transcription.delay),
      failure: json.transcription?.error === undefined ? undefined : errorOf(json.transcription.error),
    },
    delayMs: msOf(json.delay),
    say:
      json.say === undefined && json.audio === undefined
        ? undefined
        : { text: json.say ?? '', speech: speechOf(json.say ?? '', json.audio, folders) },
    calls: (json.calls ?? []).map(({ name, arguments: given }) => ({
      name,
      // A text is taken as it is, so that a scenario can send arguments that are not JSON.
      argumentsText: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
    })),
    failure: json.error === undefined ? undefined : errorOf(json.error),
    refusal: json.refuse === undefined ? undefined : errorOf(json.refuse),
    faults: (json.faults ?? []).map(faultOf),
  };
}

function faultOf({ after, close, reason, abort, stall, malformed, error }: FaultJson): Fault {
  const afterMs = msOf(after);
  if (close !== undefined) return { kind: 'close', afterMs, code: close, reason: reason ?? '' };
  if (abort === true) return { kind: 'abort', afterMs };
  if (stall !== undefined) return { kind: 'stall', afterMs, lengthMs: stall === 'forever' ? undefined : msOf(stall) };
  if (error !== undefined) return { kind: 'error', afterMs, error: errorOf(error) };
  return { kind: 'malformed', afterMs, text: malformed ?? '' };
}

function errorOf({ type, code, message }: ErrorJson): { type: string; code: string; message: string } {
  return { type: type ?? 'server_error', code, message: message ?? 'The scenario says so.' };
}

/** Exact: the shape has let only durations through. */
function msOf(text: string | undefined): number {
  return text === undefined ? 0 : (parseDurationMs(text) ?? 0);
}

function speechOf(transcript: string, audio: string | undefined, folders: string[]): Speech {
  const words = transcript.split(/\s+/).filter((word) => word !== '').length;
  if (audio === undefined) return soundLikeSpeech(transcript, words * msPerWord);
  const [, kind, hzText, lengthText] = /^(tone|speech):(?:(\d{2,4}):)?([0-9.]+(?:ms|s|m))$/.exec(audio) ?? [];
  const lengthMs = lengthText === undefined ? undefined : parseDurationMs(lengthText);
  if (kind === 'speech' && hzText === undefined && lengthMs !== undefined) return soundLikeSpeech(transcript, lengthMs);
  if (kind === 'tone' && hzText !== undefined && lengthMs !== undefined) {
    const tone = new SteadyTone(Number(hzText)).speech({ startMs: 0, lengthMs });
    return { transcript, encode: (format) => tone.encode(format) };
  }
  const prompt = readPrompt({ file: audio, folders, transcript });
  if (prompt.kind === 'unreadable') throw new UnreadableAudio(prompt.reason);
  return prompt.speech;
}

function soundLikeSpeech(transcript: string, lengthMs: number): Speech {
  const recording = speechLike({ lengthMs: Math.min(lengthMs, speechMsMax), random: seededRandom(transcript.length) });
  return new RecordedSpeech({ transcript, recording });
}
