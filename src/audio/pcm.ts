/** Mono 16-bit linear samples in host order. One frame is 20 ms unless a name says otherwise. */
export type PcmFrame = Int16Array;

/** The rates that occur here: G.711 (RFC 3551) and the Realtime API's `audio/pcm`. */
export type SampleRateHz = 8_000 | 24_000;

export const frameMs = 20;

/** Samples in one 20 ms frame: 160 at 8 kHz, 480 at 24 kHz. */
export function samplesPerFrame(rateHz: SampleRateHz): number {
  return (rateHz * frameMs) / 1_000;
}
