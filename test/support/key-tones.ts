import { ToneGenerator } from '../../src/audio/tone';
import { levelDb } from './spectrum';

/** Rows and columns of the keypad in hertz (ITU-T Q.23). */
const rowsHz = [697, 770, 852, 941];
const columnsHz = [1_209, 1_336, 1_477, 1_633];
const keypad = ['123A', '456B', '789C', '*0#D'];

/** The sound of one key at 8 kHz. */
export function keyTone(key: string, ms: number, dbfs = -12): Int16Array {
  const row = keypad.findIndex((keys) => keys.includes(key));
  const column = keypad[row]?.indexOf(key) ?? -1;
  const [low, high] = [rowsHz[row], columnsHz[column]];
  if (low === undefined || high === undefined) throw new Error(`no key ${key}`);
  const [first, second] = [new Int16Array(ms * 8), new Int16Array(ms * 8)];
  new ToneGenerator(8_000, low, dbfs).fill(first);
  new ToneGenerator(8_000, high, dbfs).fill(second);
  return first.map((sample, index) => sample + (second[index] ?? 0));
}

/** The event of RFC 4733 section 3.2 for a key. */
export const keyEvent = (key: string): number => '0123456789*#ABCD'.indexOf(key);

/** In so short a window the tones of neighbouring rows still part. */
const windowMs = 40;

/** Each window in which a row and a column of the keypad sound, by the key that they make, however softly. */
export function keysHeardIn(samples: Int16Array, rateHz: number, { quietestDb = -60 } = {}): string[] {
  const window = (rateHz * windowMs) / 1_000;
  const heard: string[] = [];
  for (let from = 0; from + window <= samples.length; from += window / 2) {
    const piece = samples.subarray(from, from + window);
    const [row, column] = [loudest(piece, rateHz, rowsHz), loudest(piece, rateHz, columnsHz)];
    if (row.db > quietestDb && column.db > quietestDb) heard.push(keypad[row.at]?.[column.at] ?? '?');
  }
  return heard;
}

function loudest(piece: Int16Array, rateHz: number, tones: readonly number[]): { at: number; db: number } {
  const levels = tones.map((hz) => levelDb(piece, rateHz, hz));
  const db = Math.max(...levels);
  return { at: levels.indexOf(db), db };
}
