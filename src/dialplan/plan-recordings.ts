import { createHash } from 'node:crypto';

import type { SampleRateHz } from '../audio/pcm';
import { loopAtBothRates, type Recording } from '../audio/recording';
import { wavSamples } from '../audio/wav';
import { messageOf } from '../runtime/errors';
import { isNameWithin, namedFiles, nameFault, readFault, filePrefix } from './named-files';
import type { FileFault } from './named-files';
import { problemAt } from './plan-file';
import type { PlanFile } from './plan-file';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { PlanReader } from './plan-reader';

/** A sound of the admin's own, ready to be played over and over. */
export interface PlanRecording {
  /** The SHA-256 of its file, in hexadecimal digits. */
  readonly digest: string;
  readonly sound: Recording;
}

const recordingPlaces: readonly PlanPath[] = [['destinations', '*', 'waiting']];

const recordingBytesMax = 10 * 1_048_576;
const secondsMin = 1;
const secondsMax = 180;
/** Of all recordings of a plan. Each second takes 64 kB in every process, for as long as a call has a plan with it. */
const secondsTogetherMax = 600;

const expected =
  `a WAV file inside the dialplan folder, such as file:sounds/hold.wav: at most ${secondsMax / 60} minutes and ` +
  `${recordingBytesMax / 1_048_576} MiB, 8000 or 24000 Hz, mono or stereo`;

/** Reads every recording that the plan names, each once. */
export async function readPlanRecordings(
  reader: PlanReader,
  files: readonly PlanFile[],
): Promise<{ recordings: ReadonlyMap<string, PlanRecording>; problems: PlanProblem[] }> {
  const recordings = new Map<string, PlanRecording>();
  const problems: PlanProblem[] = [];
  let secondsTogether = 0;
  for (const { file, path, name } of namedFiles(files, recordingPlaces)) {
    const found = await readRecording(reader, name);
    if ('samples' in found) secondsTogether += found.samples.length / found.rateHz;
    if ('message' in found || secondsTogether > secondsTogetherMax) {
      const fault = 'message' in found ? found : tooMuch(name);
      problems.push(problemAt(file, path, { code: problemCodes.recordingFile, ...fault }));
    } else {
      const { digest, samples, rateHz } = found;
      recordings.set(filePrefix + name, { digest, sound: loopAtBothRates(samples, rateHz) });
    }
  }
  return { recordings, problems };
}

interface RecordingRead {
  readonly digest: string;
  readonly samples: Int16Array;
  readonly rateHz: SampleRateHz;
}

async function readRecording(reader: PlanReader, name: string): Promise<RecordingRead | FileFault> {
  if (!isNameWithin(name)) return { message: nameFault, expected };
  const read = await reader.read(name, { bytesMax: recordingBytesMax });
  if (read.kind !== 'read') return { message: `${name}: ${readFault(read)}`, expected };
  try {
    const { samples, rateHz } = wavSamples(read.bytes);
    const seconds = samples.length / rateHz;
    if (seconds < secondsMin || seconds > secondsMax) {
      return { message: `${name}: ${seconds.toFixed(1)} seconds`, expected: `${secondsMin} to ${secondsMax} seconds` };
    }
    return { digest: createHash('sha256').update(read.bytes).digest('hex'), samples, rateHz };
  } catch (cause) {
    return { message: `${name}: ${messageOf(cause)}`, expected };
  }
}

function tooMuch(name: string): FileFault {
  const message = `${name}: the recordings of the plan are longer than ${secondsTogetherMax / 60} minutes together`;
  return { message, expected: 'fewer or shorter recordings' };
}
