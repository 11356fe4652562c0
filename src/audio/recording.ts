import type { PcmFrame, SampleRateHz } from './pcm';
import { convertRecording } from './resampler';

/** One sound at every rate that occurs. Nobody writes to it: all calls share it. */
export type Recording = Readonly<Record<SampleRateHz, PcmFrame>>;

/** For a sound that is played over and over: the filter meets at its seam what follows there, not silence. */
export function loopAtBothRates(samples: Int16Array, rateHz: SampleRateHz): Recording {
  return { 8_000: loopAtRate(samples, rateHz, 8_000), 24_000: loopAtRate(samples, rateHz, 24_000) };
}

/** More than the filter reaches, and whole samples at both rates. */
const lapSamples = 240;

function loopAtRate(samples: Int16Array, fromHz: SampleRateHz, toHz: SampleRateHz): PcmFrame {
  if (fromHz === toHz) return samples;
  const lapped = new Int16Array(samples.length + 2 * lapSamples);
  lapped.set(samples, lapSamples);
  for (let i = 0; i < lapSamples; i += 1) {
    lapped[lapSamples - 1 - i] = samples.at(-1 - (i % samples.length)) ?? 0;
    lapped[lapSamples + samples.length + i] = samples[i % samples.length] ?? 0;
  }
  const converted = convertRecording(lapped, fromHz, toHz);
  const lap = (lapSamples * toHz) / fromHz;
  return converted.slice(lap, lap + Math.round((samples.length * toHz) / fromHz));
}
