import type { PcmFrame, SampleRateHz } from './pcm';

const loopMs = 2_000;
const tickMs = 40;
const tickHz = [1_150, 900] as const;
/** About -30 dB of full scale: to be noticed, and not in the way of a voice. */
const level = 1_000;

/** Two soft ticks, a second apart, to be repeated: somebody is at work. */
export function waitingTicks(rateHz: SampleRateHz): PcmFrame {
  const loop = new Int16Array((loopMs * rateHz) / 1_000);
  tickHz.forEach((hz, index) => {
    const start = (index * loop.length) / tickHz.length;
    const length = (tickMs * rateHz) / 1_000;
    for (let i = 0; i < length; i += 1) {
      // It begins and ends at nothing, so that the loop has no click of its own.
      const shape = (1 - i / length) ** 2 * Math.min(1, i / (rateHz / 1_000));
      loop[start + i] = Math.round(level * shape * Math.sin((2 * Math.PI * hz * i) / rateHz));
    }
  });
  return loop;
}
