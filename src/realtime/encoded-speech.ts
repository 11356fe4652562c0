import { endianness } from 'node:os';

import { encodeG711 } from '../audio/g711';
import type { Recording } from '../audio/recording';
import type { AudioFormat } from './agent-schema';
import { rateHzOf } from './audio-format';

/** Speech in a format, as base64 of its octets (`input_audio` of an item). */
export function encodeSpeech(format: AudioFormat, speech: Recording): string {
  const samples = speech[rateHzOf[format]];
  if (format === 'pcm') {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    return (endianness() === 'BE' ? Buffer.from(bytes).swap16() : bytes).toString('base64');
  }
  const bytes = Buffer.alloc(samples.length);
  encodeG711(format, samples, bytes);
  return bytes.toString('base64');
}
