import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import { decodeWav, wavAtRate, wavBytesMax } from '../audio/wav';
import { messageOf } from '../runtime/errors';
import { RecordedSpeech } from './encoded-audio';

/** The recordings that come with Ringbridge, both from the sources and from the build. */
export const shippedAudioFolder = resolve(__dirname, '../../audio');

export type Prompt = { kind: 'speech'; speech: RecordedSpeech } | { kind: 'unreadable'; reason: string };

/** Reads a WAV file that somebody will say; `file` is looked for in each of the folders. Reads synchronously: at start. */
export function readPrompt({
  file,
  folders,
  transcript,
}: {
  file: string;
  folders: string[];
  transcript: string;
}): Prompt {
  let reason = `${file}: no folder to look in`;
  for (const folder of folders) {
    const path = resolve(folder, file);
    try {
      const recording = {
        samples: wavAtRate(decodeWav(readSmallFile(path, wavBytesMax)), 24_000),
        rateHz: 24_000 as const,
      };
      return { kind: 'speech', speech: new RecordedSpeech({ transcript, recording }) };
    } catch (cause) {
      reason = `${path}: ${messageOf(cause)}`;
    }
  }
  return { kind: 'unreadable', reason };
}

/** Throws what cannot be read, and what is no file: the name may come from a client, and some devices never end. */
export function readSmallFile(path: string, bytesMax: number): Buffer {
  const status = statSync(path);
  if (!status.isFile()) throw new Error('not a file');
  if (status.size > bytesMax) throw new Error(`larger than ${bytesMax} bytes`);
  return readFileSync(path);
}
