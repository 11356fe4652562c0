import { decodeG711, encodeG711 } from '../audio/g711';
import type { SampleRateHz } from '../audio/pcm';
import { convertRecording } from '../audio/resampler';

/** How audio travels: 16-bit little-endian PCM at 24 kHz, or G.711 at 8 kHz; always mono. */
export type AudioFormat = { type: 'audio/pcm'; rate: 24_000 } | { type: 'audio/pcmu' } | { type: 'audio/pcma' };

/** Samples of one channel with their rate. */
export interface PcmAudio {
  samples: Int16Array;
  rateHz: SampleRateHz;
}

export const pcmFormat: AudioFormat = { type: 'audio/pcm', rate: 24_000 };

export function rateOf(format: AudioFormat): SampleRateHz {
  return format.type === 'audio/pcm' ? 24_000 : 8_000;
}

/** 2 for PCM, 1 for G.711. */
export function bytesPerSample(format: AudioFormat): number {
  return format.type === 'audio/pcm' ? 2 : 1;
}

/** 48 for PCM, 8 for G.711. */
export function bytesPerMs(format: AudioFormat): number {
  return (rateOf(format) / 1_000) * bytesPerSample(format);
}

/** Reads whole samples; a last odd octet of PCM is left out. Writes to the start of `out`, returns how many samples. */
export function decodeAudio(format: AudioFormat, bytes: Uint8Array, out: Int16Array): number {
  const count = Math.floor(bytes.length / bytesPerSample(format));
  switch (format.type) {
    case 'audio/pcm':
      // Int16Array is in host order: little-endian on everything Node runs on, like the wire.
      new Uint8Array(out.buffer, out.byteOffset, count * 2).set(bytes.subarray(0, count * 2));
      return count;
    case 'audio/pcmu':
      decodeG711('pcmu', bytes, out);
      return count;
    case 'audio/pcma':
      decodeG711('pcma', bytes, out);
      return count;
  }
}

/** The samples of a whole recording. */
export function decodeWhole(format: AudioFormat, bytes: Uint8Array): PcmAudio {
  const samples = new Int16Array(Math.floor(bytes.length / bytesPerSample(format)));
  decodeAudio(format, bytes, samples);
  return { samples, rateHz: rateOf(format) };
}

/** A whole recording in `format`, converted to its rate where needed. */
export function encodeWhole(format: AudioFormat, audio: PcmAudio): Buffer {
  const samples = convertRecording(audio.samples, audio.rateHz, rateOf(format));
  switch (format.type) {
    case 'audio/pcm':
      return Buffer.from(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    case 'audio/pcmu':
    case 'audio/pcma': {
      const out = Buffer.alloc(samples.length);
      encodeG711(format.type === 'audio/pcmu' ? 'pcmu' : 'pcma', samples, out);
      return out;
    }
  }
}
