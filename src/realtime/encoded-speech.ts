import { endianness } from 'node:os';

import { encodeG711 } from '../audio/g711';
import type { Speech } from '../audio/pcm';
import { createRateConverter } from '../audio/resampler';
import type { AudioFormat } from './agent-schema';
import { rateHzOf } from './audio-format';

/**
 * Speech in a format, as base64 of its octets (`input_audio` of an item). Where it has another rate, ten seconds of it keep the
 * process busy for tens of milliseconds: that is for what is rare.
 */
export function encodeSpeech(format: AudioFormat, speech: Speech): string {
  const samples = atRateOf(format, speech);
  if (format === 'pcm') {
    const bytes = Buffer.from(Int16Array.from(samples).buffer);
    return (endianness() === 'BE' ? bytes.swap16() : bytes).toString('base64');
  }
  const bytes = Buffer.alloc(samples.length);
  encodeG711(format, samples, bytes);
  return bytes.toString('base64');
}

function atRateOf(format: AudioFormat, { samples, rateHz }: Speech): Int16Array {
  if (rateHz === rateHzOf[format]) return samples;
  const converted = new Int16Array(Math.ceil((samples.length * rateHzOf[format]) / rateHz));
  const length = createRateConverter(rateHz, rateHzOf[format]).process(samples, converted);
  return converted.subarray(0, length);
}
