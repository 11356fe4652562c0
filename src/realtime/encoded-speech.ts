import { endianness } from 'node:os';

import { encodeG711 } from '../audio/g711';
import type { AudioFormat } from './agent-schema';

/** Samples at the rate of a format, as base64 of its octets (`input_audio` of an item). */
export function encodeSpeech(format: AudioFormat, samples: Int16Array): string {
  if (format === 'pcm') {
    const bytes = Buffer.from(Int16Array.from(samples).buffer);
    return (endianness() === 'BE' ? bytes.swap16() : bytes).toString('base64');
  }
  const bytes = Buffer.alloc(samples.length);
  encodeG711(format, samples, bytes);
  return bytes.toString('base64');
}
