import { invariant } from '../runtime/invariant';

/** The two companding laws of ITU-T G.711, by their RTP names (RFC 3551 section 4.5.14, payload types 0 and 8). */
export type G711Law = 'pcmu' | 'pcma';

/**
 * Writes one octet for each sample to `out` from `outOffset` on. Every input is exact to the ITU-T G.191 reference
 * (`ulaw_compress`, `alaw_compress`). `out` must have room; allocates nothing and keeps neither array.
 */
export function encodeG711(law: G711Law, pcm: Int16Array, out: Uint8Array, outOffset = 0): void {
  invariant(out.length - outOffset >= pcm.length, 'the G.711 output is too short');
  const table = law === 'pcmu' ? muLawOfSample : aLawOfSample;
  // Typed arrays yield no undefined below their length; `?? 0` would cost a branch per sample.
  for (let i = 0; i < pcm.length; i += 1) out[outOffset + i] = table[(pcm[i] as number) & 0xffff] as number;
}

/**
 * Writes one sample for each octet to `out` from `outOffset` on: 14 significant bits for PCMU, 13 for PCMA, in the high
 * bits of 16. `out` must have room; allocates nothing and keeps neither array.
 */
export function decodeG711(law: G711Law, bytes: Uint8Array, out: Int16Array, outOffset = 0): void {
  invariant(out.length - outOffset >= bytes.length, 'the PCM output is too short');
  const table = law === 'pcmu' ? sampleOfMuLaw : sampleOfALaw;
  for (let i = 0; i < bytes.length; i += 1) out[outOffset + i] = table[bytes[i] as number] as number;
}

/** The octet of a zero sample: 0xFF for PCMU, 0xD5 for PCMA. */
export function g711Silence(law: G711Law): number {
  return law === 'pcmu' ? muLawCode(0) : aLawCode(0);
}

const muLawOfSample = encodeTable(muLawCode);
const aLawOfSample = encodeTable(aLawCode);
const sampleOfMuLaw = Int16Array.from({ length: 256 }, (_, code) => muLawSample(code));
const sampleOfALaw = Int16Array.from({ length: 256 }, (_, code) => aLawSample(code));

/** 64 KiB, indexed by the sample as an unsigned 16-bit number: one load per sample, no arithmetic. */
function encodeTable(codeOf: (sample: number) => number): Uint8Array {
  return Uint8Array.from({ length: 0x1_0000 }, (_, index) => codeOf((index << 16) >> 16));
}

/** Negative samples are taken in one's complement, as G.191 does: -1 is as small as 0, and -32768 needs no clamp. */
function magnitude(sample: number): number {
  return sample < 0 ? ~sample : sample;
}

/** G.711 table 2: segments of 16 steps whose size doubles, over a 14-bit magnitude biased by 33. */
function muLawCode(sample: number): number {
  const biased = Math.min((magnitude(sample) >> 2) + 33, 0x1fff);
  const segment = 26 - Math.clz32(biased);
  const step = (biased >> (segment + 1)) & 0x0f;
  const sign = sample < 0 ? 0 : 0x80;
  // All bits but the sign go inverted on the line, so that silence is dense in ones (G.711 section 3.2).
  return sign | (((segment << 4) | step) ^ 0x7f);
}

function muLawSample(code: number): number {
  const bits = ~code & 0x7f;
  const level = ((((bits & 0x0f) << 1) + 33) << (bits >> 4)) - 33;
  return (code & 0x80) === 0 ? -level << 2 : level << 2;
}

/** G.711 table 1: the first two segments share one step size, the others double it, over a 12-bit magnitude. */
function aLawCode(sample: number): number {
  const level = magnitude(sample) >> 4;
  const segment = Math.max(0, 28 - Math.clz32(level));
  const step = (level >> Math.max(0, segment - 1)) & 0x0f;
  const sign = sample < 0 ? 0 : 0x80;
  // Even bits go inverted on the line (G.711 section 3.2).
  return (sign | (segment << 4) | step) ^ 0x55;
}

function aLawSample(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 0x07;
  const step = ((bits & 0x0f) << 4) + 8;
  const level = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return (bits & 0x80) === 0 ? -level : level;
}
