import { toneLevel } from '../../src/audio/level';
import { dominantHz } from '../support/spectrum';

/** Another call's tone this close is crosstalk; the noise of G.711 is some 40 dB below in all and far less at one tone. */
const othersBelowDbMin = 25;
const hzTolerance = 1;

/** Whether each of these seconds without gaps holds the call's own tone, and none of the other calls'. */
export function isOwnAlone(
  seconds: readonly Int16Array[],
  { rateHz, ownHz, allHz }: { rateHz: number; ownHz: number; allHz: readonly number[] },
): boolean {
  const [first] = seconds;
  // Costly, so once: it finds what is none of the tones, too.
  if (first === undefined || Math.abs(dominantHz(first, rateHz) - ownHz) > hzTolerance) return false;
  return seconds.every((second) => {
    const limitDbfs = toneLevel(second, rateHz, ownHz) - othersBelowDbMin;
    return allHz.every((hz) => hz === ownHz || toneLevel(second, rateHz, hz) <= limitDbfs);
  });
}
