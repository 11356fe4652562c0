import { join } from 'node:path';

import { readWavFile } from './audio/wav';
import type { Prompts } from './call/prompts';
import { promptNames, waitingSounds } from './call/prompts';

/** The recordings that are shipped in `audio/`. Rejects when one is missing or of another rate. */
export async function readPrompts(): Promise<Prompts> {
  const folder = join(__dirname, '..', 'audio');
  const entries = [...promptNames, ...waitingSounds].map(async (name) => {
    const at = (file: string, rateHz: 8_000 | 24_000) => readWavFile(join(folder, file), rateHz);
    return [name, { 8_000: await at(`${name}-8khz.wav`, 8_000), 24_000: await at(`${name}.wav`, 24_000) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as Prompts;
}
