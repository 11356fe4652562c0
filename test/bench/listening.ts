import { toneLevel } from '../../src/audio/level';
import { dominantHz } from '../support/spectrum';

/** What one second of a call holds. */
export interface HeardSecond {
  /** The strongest tone. */
  dominantHz: number;
  /** How far the loudest of the tones that do not belong here is below the one that does. */
  othersBelowDb: number;
}

/** Another call's tone this close is crosstalk; the noise of G.711 is some 40 dB below in all and far less at one tone. */
const othersBelowDbMin = 25;
const hzTolerance = 1;

export function listen(
  second: Int16Array,
  { rateHz, ownHz, othersHz }: { rateHz: number; ownHz: number; othersHz: readonly number[] },
): HeardSecond {
  const ownDbfs = toneLevel(second, rateHz, ownHz);
  let loudestDbfs = -Infinity;
  for (const hz of othersHz) if (hz !== ownHz) loudestDbfs = Math.max(loudestDbfs, toneLevel(second, rateHz, hz));
  return { dominantHz: dominantHz(second, rateHz), othersBelowDb: ownDbfs - loudestDbfs };
}

export function isOwnAlone(heard: HeardSecond, ownHz: number): boolean {
  return Math.abs(heard.dominantHz - ownHz) <= hzTolerance && heard.othersBelowDb >= othersBelowDbMin;
}
