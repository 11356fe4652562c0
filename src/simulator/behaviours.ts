import { parseDurationMs } from '../runtime/duration';
import type { Behaviour } from './behaviour';
import { echo } from './echo';
import { shippedAudioFolder } from './prompts';
import { receptionist } from './receptionist';
import { readScenario } from './scenario-file';
import { scenario } from './scenario';
import { toneBehaviour } from './tone-behaviour';

export type ParsedBehaviour = { kind: 'behaviour'; behaviour: Behaviour } | { kind: 'invalid'; reason: string };

/** The `simulator:` in front of a behaviour where a model is named. */
export const simulatorModelPrefix = 'simulator:';

const toneHzMin = 50;
const toneHzMax = 9_900;
/** A call of a minute is measured without a second answer. */
const toneLengthMsDefault = 65_000;
const toneLengthMsMax = 10 * 60_000;

/**
 * What a setting or a model name asks for: `receptionist`, `echo`, `tone:HZ`, `tone:HZ:SECONDS` or `scenario:FILE`. Reads
 * the files that it needs, synchronously; the behaviour then serves any number of sessions.
 */
export function parseBehaviour(
  text: string,
  { audioFolder = shippedAudioFolder }: { audioFolder?: string } = {},
): ParsedBehaviour {
  const [kind = '', ...rest] = text.split(':');
  switch (kind) {
    case 'receptionist':
      return rest.length === 0 ? receptionist({ audioFolder }) : unknown(text);
    case 'echo':
      return rest.length === 0 ? { kind: 'behaviour', behaviour: echo() } : unknown(text);
    case 'tone':
      return parseTone(text, rest);
    case 'scenario':
      return parseScenario(text, rest.join(':'), audioFolder);
    default:
      return unknown(text);
  }
}

function parseTone(name: string, [hzText = '', lengthText, ...surplus]: string[]): ParsedBehaviour {
  if (surplus.length > 0) return unknown(name);
  const hz = /^\d{1,4}$/.test(hzText) ? Number(hzText) : Number.NaN;
  if (!(hz >= toneHzMin && hz <= toneHzMax)) {
    return { kind: 'invalid', reason: `${name}: expected whole hertz from ${toneHzMin} to ${toneHzMax} after "tone:"` };
  }
  const lengthMs = lengthText === undefined ? toneLengthMsDefault : secondsOrDurationMs(lengthText);
  if (lengthMs === undefined || lengthMs <= 0 || lengthMs > toneLengthMsMax) {
    return {
      kind: 'invalid',
      reason: `${name}: expected seconds or a duration of at most ten minutes, such as 65 or 65s`,
    };
  }
  return { kind: 'behaviour', behaviour: toneBehaviour({ hz, lengthMs, name }) };
}

function secondsOrDurationMs(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) * 1_000 : parseDurationMs(text);
}

function parseScenario(name: string, file: string, audioFolder: string): ParsedBehaviour {
  if (file === '') return unknown(name);
  const read = readScenario(file, { audioFolder });
  return read.kind === 'scenario' ? { kind: 'behaviour', behaviour: scenario(name, read.scenario) } : read;
}

function unknown(text: string): ParsedBehaviour {
  const reason = `"${text.slice(0, 100)}": expected receptionist, echo, tone:HZ, tone:HZ:SECONDS or scenario:FILE`;
  return { kind: 'invalid', reason };
}
