import type { SampleRateHz } from '../audio/pcm';
import type { AudioFormat } from './agent-schema';

/** The API's format object (`session.audio.input.format`). Only PCM carries a rate. */
export type WireAudioFormat = { type: 'audio/pcm'; rate: 24_000 } | { type: 'audio/pcmu' } | { type: 'audio/pcma' };

export const wireAudioFormats: Readonly<Record<AudioFormat, WireAudioFormat>> = {
  pcm: { type: 'audio/pcm', rate: 24_000 },
  pcmu: { type: 'audio/pcmu' },
  pcma: { type: 'audio/pcma' },
};

export const rateHzOf: Readonly<Record<AudioFormat, SampleRateHz>> = { pcm: 24_000, pcmu: 8_000, pcma: 8_000 };

export const bytesPerSampleOf: Readonly<Record<AudioFormat, 1 | 2>> = { pcm: 2, pcmu: 1, pcma: 1 };

/** The format that a server states; undefined for one that we cannot speak. */
export function audioFormatOf({ type, rate }: { type: string | undefined; rate: number | undefined }) {
  for (const format of ['pcm', 'pcmu', 'pcma'] as const) {
    if (type === wireAudioFormats[format].type && (rate ?? rateHzOf[format]) === rateHzOf[format]) return format;
  }
  return undefined;
}
