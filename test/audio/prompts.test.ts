import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { levelDbfs } from '../../src/audio/level';
import { decodeWav, readWavFile } from '../../src/audio/wav';

const folder = join(__dirname, '../../audio');
const files = readdirSync(folder).filter((name) => name.endsWith('.wav'));
const isSpeech = (name: string) => !/^(hold-music|ringing)/.test(name);

/**
 * Peak and RMS in dB of full scale (a sine that just fits is -3 dB RMS), without the tenth of a second of silence that
 * speech has on either side: in a short file it would count for much.
 */
function levels(name: string): { peakDb: number; rmsDb: number } {
  const { samples: all, rateHz } = decodeWav(readFileSync(join(folder, name)));
  const padding = isSpeech(name) ? rateHz / 10 : 0;
  const samples = all.subarray(padding, all.length - padding);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return { peakDb: 20 * Math.log10(peak / 32_768), rmsDb: levelDbfs(samples) - 3.01 };
}

test('there are prompts, and together they stay below 5 MB', () => {
  expect(files.length).toBeGreaterThan(20);
  expect(files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(5_000_000);
});

test.each(files)('%s is at the rate that its name says, and at one level with the others', (name) => {
  expect(decodeWav(readFileSync(join(folder, name))).rateHz).toBe(name.endsWith('-8khz.wav') ? 8_000 : 24_000);
  const { peakDb, rmsDb } = levels(name);
  expect(peakDb).toBeLessThan(-3);
  if (isSpeech(name)) expect(Math.abs(rmsDb + 20.5)).toBeLessThan(1.5);
});

test.each(files.filter((name) => name.endsWith('-8khz.wav')))('%s lasts as long as its original', async (name) => {
  const narrow = await readWavFile(join(folder, name), 8_000);
  const original = await readWavFile(join(folder, name.replace('-8khz', '')), 8_000);
  expect(Math.abs(narrow.length - original.length)).toBeLessThanOrEqual(1);
});

test('the list in the folder names every file', () => {
  const list = readFileSync(join(folder, 'README.md'), 'utf8');
  const unnamed = files.filter((name) => !list.includes(`\`${name.replace(/(-8khz)?\.wav$/, '')}\``));
  expect(unnamed).toEqual([]);
});

test('speech of the caller and of the receptionist starts within 0.2 s', () => {
  for (const name of files.filter((file) => isSpeech(file) && !file.endsWith('-8khz.wav'))) {
    const { samples } = decodeWav(readFileSync(join(folder, name)));
    expect(levelDbfs(samples.subarray(0, 4_800))).toBeGreaterThan(-50);
  }
});
