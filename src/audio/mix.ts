import type { PcmFrame } from './pcm';

/** Two voices at once, to `out`, which may be one of them; what is too loud is cut off. All of one length. */
export function mix(one: PcmFrame, other: PcmFrame, out: PcmFrame): void {
  for (let i = 0; i < out.length; i += 1) {
    const sum = (one[i] ?? 0) + (other[i] ?? 0);
    out[i] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : sum;
  }
}
