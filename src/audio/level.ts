/** The level of digital silence: RMS below this counts as this (RFC 6464 ends at -127 too). */
export const silenceDbfs = -127;

/**
 * RMS of the frame in dBFS, where 0 is a sine that just fits into 16 bits (AES17); a full-scale square wave is +3.
 * From `silenceDbfs` up. An empty frame is silent.
 */
export function levelDbfs(frame: Int16Array): number {
  let power = 0;
  for (let i = 0; i < frame.length; i += 1) {
    const sample = frame[i] as number;
    power += sample * sample;
  }
  return frame.length === 0 ? silenceDbfs : toDbfs((2 * power) / frame.length);
}

/**
 * Level of one frequency in the frame, on the scale of `levelDbfs`, by Goertzel's algorithm: one multiplication a sample.
 * It hears `rateHz / frame.length` wide to either side (50 Hz for 20 ms), so tones closer than that are heard as one.
 */
export function toneLevel(frame: Int16Array, rateHz: number, hz: number): number {
  if (frame.length === 0) return silenceDbfs;
  const step = (2 * Math.PI * hz) / rateHz;
  const coefficient = 2 * Math.cos(step);
  let last = 0;
  let beforeLast = 0;
  for (let i = 0; i < frame.length; i += 1) {
    const next = (frame[i] as number) + coefficient * last - beforeLast;
    beforeLast = last;
    last = next;
  }
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  return toDbfs((4 * power) / (frame.length * frame.length));
}

/** Peak amplitude that a sine of this level has, in sample units. */
export function amplitudeOf(dbfs: number): number {
  return fullScale * 10 ** (dbfs / 20);
}

const fullScale = 32_767;

/** The squared amplitude of a sine as a level. */
function toDbfs(squaredAmplitude: number): number {
  if (squaredAmplitude <= 0) return silenceDbfs;
  return Math.max(silenceDbfs, 10 * Math.log10(squaredAmplitude / (fullScale * fullScale)));
}
