import { readFile, stat } from 'node:fs/promises';
import { WaveFile } from 'wavefile';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { SampleRateHz } from './pcm';
import { convertRecording } from './resampler';

/** A sound file that cannot be used. The message says which and why, for the person who put it there. */
export class WavError extends Error {
  override readonly name = 'WavError';
}

/** Mono samples at the rate of the file. */
export interface Wav {
  rateHz: number;
  samples: Int16Array;
}

/** Larger files are refused unread: 5 minutes of 24 kHz mono. Reading one takes the process a third of a second. */
export const wavBytesMax = 5 * 60 * 24_000 * 2 + 1_024;

/**
 * Reads a prompt at the wanted rate. The file may be at 8 or 24 kHz, mono or stereo (mixed), 8 to 32 bits, float, A-law
 * or mu-law. Rejects with `WavError`.
 */
export async function readWavFile(path: string, rateHz: SampleRateHz): Promise<Int16Array> {
  const bytes = await readCapped(path);
  try {
    return wavAtRate(decodeWav(bytes), rateHz);
  } catch (cause) {
    throw new WavError(`${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The samples of a WAV file in memory, at its own rate. Throws `WavError`. */
export function decodeWav(bytes: Uint8Array): Wav {
  if (bytes.length > wavBytesMax) throw new WavError(`larger than ${wavBytesMax} bytes`);
  const file = new WaveFile();
  try {
    file.fromBuffer(soundChunks(bytes));
    if (file.bitDepth === '8a') file.fromALaw();
    else if (file.bitDepth === '8m') file.fromMuLaw();
    else if (file.bitDepth !== '16') file.toBitDepth('16');
  } catch (cause) {
    throw new WavError(`not a WAV file that can be read: ${messageOf(cause)}`, { cause });
  }
  const { numChannels, sampleRate } = file.fmt as { numChannels: number; sampleRate: number };
  const samples = Int16Array.from(file.getSamples(true));
  if (samples.length === 0) throw new WavError('holds no samples');
  if (numChannels !== 1 && numChannels !== 2) throw new WavError(`has ${numChannels} channels instead of 1 or 2`);
  return { rateHz: sampleRate, samples: numChannels === 1 ? samples : mixed(samples) };
}

/** The same sound at 8 or 24 kHz. Throws `WavError` when it is at neither. */
export function wavAtRate(wav: Wav, wantedHz: SampleRateHz): Int16Array {
  return convertRecording(wav.samples, rateThatOccurs(wav), wantedHz);
}

/** As `decodeWav`, of a file that is at 8 or 24 kHz. Throws `WavError`. */
export function wavSamples(bytes: Uint8Array): { rateHz: SampleRateHz; samples: Int16Array } {
  const wav = decodeWav(bytes);
  return { rateHz: rateThatOccurs(wav), samples: wav.samples };
}

function rateThatOccurs({ rateHz }: Wav): SampleRateHz {
  if (rateHz === 8_000 || rateHz === 24_000) return rateHz;
  throw new WavError(`is at ${rateHz} Hz instead of 8000 or 24000; convert it: sox IN.wav -r 24000 -c 1 -b 16 OUT.wav`);
}

/** Size of what `wavHeader` makes: 16-bit samples follow at this offset. */
export const wavHeaderBytes = 44;

/**
 * The header of a file of 16-bit samples. `open` is for a file that is still being written: sizes of 0xFFFFFFFF, which
 * readers take as "to the end of the file", so that a crash loses nothing. Write it again, with the size, at the close.
 */
export function wavHeader(options: { channels: number; rateHz: number; dataBytes: number | 'open' }): Buffer {
  const { channels, rateHz, dataBytes } = options;
  invariant(dataBytes === 'open' || dataBytes <= dataBytesMax, 'a WAV file ends at 4 GiB');
  const header = Buffer.alloc(wavHeaderBytes);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(dataBytes === 'open' ? sizeUnknown : dataBytes + wavHeaderBytes - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(formatPcm, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes === 'open' ? sizeUnknown : dataBytes, 40);
  return header;
}

/** A whole file of 16-bit samples: one array for mono, two of one length for stereo (left, right). */
export function encodeWav(channels: readonly Int16Array[], rateHz: number): Buffer {
  const frames = channels[0]?.length ?? 0;
  invariant(channels.length === 1 || channels.length === 2, 'a WAV file here has one or two channels');
  invariant(channels[channels.length - 1]?.length === frames, 'both channels have one length');
  const dataBytes = frames * channels.length * 2;
  const file = Buffer.alloc(wavHeaderBytes + dataBytes);
  wavHeader({ channels: channels.length, rateHz, dataBytes }).copy(file);
  let offset = wavHeaderBytes;
  for (let i = 0; i < frames; i += 1) {
    for (const channel of channels) offset = file.writeInt16LE(channel[i] as number, offset);
  }
  return file;
}

const formatPcm = 1;
const sizeUnknown = 0xffff_ffff;
const dataBytesMax = sizeUnknown - wavHeaderBytes;

async function readCapped(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > wavBytesMax) throw new WavError(`has ${size} bytes, more than ${wavBytesMax}`);
    return await readFile(path);
  } catch (cause) {
    throw new WavError(`${path}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The file with nothing but its format and its samples. Cue points, tags and the like are of no use here, and the
 * library believes the counts in them: a few bytes can keep it busy for hours.
 */
function soundChunks(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new WavError('it does not start as RIFF ... WAVE');
  }
  const format = findChunk(file, 'fmt ');
  const data = findChunk(file, 'data');
  if (format === undefined || data === undefined) throw new WavError('it has no format or no samples');
  // Samples last: the library would take the byte that pads an odd count of them for one more.
  return Buffer.concat([file.subarray(0, 12), format, data]);
}

/** A copy whose size is what is really there: an open file, or one that was cut off, claims more. */
function findChunk(file: Buffer, wantedId: string): Buffer | undefined {
  for (let at = 12; at + 8 <= file.length;) {
    const size = Math.min(file.readUInt32LE(at + 4), file.length - at - 8);
    if (file.toString('latin1', at, at + 4) === wantedId) {
      const chunk = Buffer.from(file.subarray(at, at + 8 + size));
      chunk.writeUInt32LE(size, 4);
      return chunk;
    }
    // Chunks start at even offsets.
    at += 8 + size + (size & 1);
  }
  return undefined;
}

function mixed(interleaved: Int16Array): Int16Array {
  return Int16Array.from({ length: interleaved.length >> 1 }, (_, i) => {
    const left = interleaved[2 * i] ?? 0;
    const right = interleaved[2 * i + 1] ?? 0;
    return (left + right) >> 1;
  });
}
