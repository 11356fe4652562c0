import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WaveFile } from 'wavefile';
import { ToneGenerator } from '../../src/audio/tone';
import { decodeWav, encodeWav, readWavFile, wavAtRate, wavBytesMax, WavError, wavHeader } from '../../src/audio/wav';
import { seededRandom } from '../../src/runtime/random';
import { dominantHz, levelDb } from '../support/spectrum';

function tone(rateHz: number, hz: number, count: number): Int16Array {
  const samples = new Int16Array(count);
  new ToneGenerator(rateHz, hz, -10).fill(samples);
  return samples;
}

/** The same bytes with a chunk put between the format and the samples. */
function withChunk(file: Buffer, id: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 'latin1');
  head.writeUInt32LE(body.length, 4);
  const padding = Buffer.alloc(body.length % 2);
  return Buffer.concat([file.subarray(0, 36), head, body, padding, file.subarray(36)]);
}

describe('decodeWav', () => {
  test('reads back what encodeWav wrote', () => {
    const samples = tone(8_000, 440, 801);
    expect(decodeWav(encodeWav([samples], 8_000))).toEqual({ rateHz: 8_000, samples });
  });

  test('mixes stereo to mono', () => {
    const left = Int16Array.of(1_000, -32_768, 32_767, 10);
    const right = Int16Array.of(3_000, -32_768, 32_767, -10);
    expect([...decodeWav(encodeWav([left, right], 24_000)).samples]).toEqual([2_000, -32_768, 32_767, 0]);
  });

  test('reads a file that was never closed, to its end', () => {
    const whole = encodeWav([tone(8_000, 440, 500)], 8_000);
    const open = Buffer.concat([wavHeader({ channels: 1, rateHz: 8_000, dataBytes: 'open' }), whole.subarray(44)]);
    expect(decodeWav(open)).toEqual(decodeWav(whole));
  });

  test('reads what is left of a file that was cut off', () => {
    const whole = encodeWav([tone(8_000, 440, 500)], 8_000);
    expect(decodeWav(whole.subarray(0, 44 + 301)).samples).toEqual(tone(8_000, 440, 150));
  });

  test.each(['8', '24', '32', '32f', '64', '8a', '8m'])('reads samples of type %s', (bitDepth) => {
    const samples = tone(8_000, 440, 800);
    const file = new WaveFile();
    file.fromScratch(1, 8_000, '16', samples);
    if (bitDepth === '8a') file.toALaw();
    else if (bitDepth === '8m') file.toMuLaw();
    else file.toBitDepth(bitDepth);
    const { samples: read } = decodeWav(file.toBuffer());
    expect(read.length).toBe(800);
    const tolerance = bitDepth.startsWith('8') ? 300 : 2;
    expect(Math.max(...samples.map((sample, i) => Math.abs(sample - read[i]!)))).toBeLessThanOrEqual(tolerance);
  });

  test('an odd number of one-byte samples is not rounded up by its padding', () => {
    const header = wavHeader({ channels: 1, rateHz: 8_000, dataBytes: 3 });
    header.writeUInt16LE(7, 20);
    header.writeUInt16LE(8, 34);
    const muLaw = Buffer.concat([header, Buffer.from([0xff, 0x00, 0xff, 0x00])]);
    expect(decodeWav(muLaw).samples).toEqual(Int16Array.of(0, -32_124, 0));
  });

  test('passes over chunks that are not sound, even when their counts are lies', () => {
    const file = encodeWav([tone(8_000, 440, 100)], 8_000);
    const cue = Buffer.alloc(4, 0xff);
    expect(decodeWav(withChunk(file, 'cue ', cue))).toEqual(decodeWav(file));
    expect(decodeWav(withChunk(file, 'LIST', Buffer.from('odd')))).toEqual(decodeWav(file));
  });

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'RIFF'],
    ['text', Buffer.from('hello, this is no sound at all, is it?'), 'RIFF'],
    ['a header alone', Buffer.from('RIFF\0\0\0\0WAVE'), 'no format'],
    ['no samples', encodeWav([new Int16Array(0)], 8_000), 'no samples'],
    ['three channels', threeChannels(), '3 channels'],
    ['a file larger than the limit', new Uint8Array(wavBytesMax + 1), 'larger than'],
  ])('refuses %s and says why', (_name, bytes, why) => {
    expect(() => decodeWav(bytes)).toThrow(WavError);
    expect(() => decodeWav(bytes)).toThrow(why);
  });

  test('damaged headers give samples or a WavError, nothing else', () => {
    const random = seededRandom(11);
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 2_000; i += 1) {
      const file = encodeWav([tone(8_000, 440, 50)], 8_000);
      for (let k = 0; k < 2; k += 1) file[Math.floor(random.fraction() * 48)] = random.bytes(1)[0]!;
      try {
        decodeWav(file.subarray(0, 20 + Math.floor(random.fraction() * file.length)));
        outcomes.read += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(WavError);
        outcomes.refused += 1;
      }
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  });
});

function threeChannels(): Buffer {
  const header = wavHeader({ channels: 3, rateHz: 8_000, dataBytes: 60 });
  return Buffer.concat([header, Buffer.alloc(60)]);
}

describe('wavAtRate', () => {
  test.each([
    { rateHz: 8_000, wantedHz: 24_000 },
    { rateHz: 24_000, wantedHz: 8_000 },
    { rateHz: 8_000, wantedHz: 8_000 },
  ] as const)('turns $rateHz into $wantedHz Hz, the same tone as long as before', ({ rateHz, wantedHz }) => {
    const samples = wavAtRate({ rateHz, samples: tone(rateHz, 610, rateHz / 2) }, wantedHz);
    expect(samples.length).toBe(wantedHz / 2);
    expect(Math.abs(dominantHz(samples, wantedHz) - 610)).toBeLessThan(0.5);
    expect(levelDb(samples, wantedHz, 610)).toBeCloseTo(-10, 1);
  });

  test('refuses another rate and says how to convert', () => {
    expect(() => wavAtRate({ rateHz: 44_100, samples: new Int16Array(10) }, 8_000)).toThrow('sox');
  });
});

describe('wavHeader', () => {
  test('is the canonical 44 bytes of 16-bit PCM', () => {
    const header = wavHeader({ channels: 2, rateHz: 8_000, dataBytes: 640 });
    expect(header.toString('hex')).toBe(
      '52494646a402000057415645666d7420100000000100' + '0200401f0000007d00000400100064617461' + '80020000',
    );
  });

  test('of an open file claims as much as can be said', () => {
    const header = wavHeader({ channels: 1, rateHz: 24_000, dataBytes: 'open' });
    expect([header.readUInt32LE(4), header.readUInt32LE(40)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  });

  test('refuses more than 32 bits of size can say', () => {
    expect(() => wavHeader({ channels: 1, rateHz: 8_000, dataBytes: 2 ** 32 - 20 })).toThrow('4 GiB');
  });
});

describe('encodeWav', () => {
  test('interleaves left and right', () => {
    const file = encodeWav([Int16Array.of(1, -2), Int16Array.of(256, -32_768)], 8_000);
    expect(file.subarray(44).toString('hex')).toBe('01000001feff0080');
  });

  test('refuses channels of different lengths, none, and three', () => {
    expect(() => encodeWav([new Int16Array(2), new Int16Array(1)], 8_000)).toThrow('one length');
    expect(() => encodeWav([], 8_000)).toThrow('one or two');
    expect(() => encodeWav([new Int16Array(1), new Int16Array(1), new Int16Array(1)], 8_000)).toThrow('one or two');
  });
});

describe('readWavFile', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wav-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('reads a prompt at the rate that is wanted', async () => {
    const path = join(folder, 'prompt.wav');
    writeFileSync(path, encodeWav([tone(24_000, 440, 4_800)], 24_000));
    expect((await readWavFile(path, 8_000)).length).toBe(1_600);
    expect(await readWavFile(path, 24_000)).toEqual(tone(24_000, 440, 4_800));
  });

  test('names the file in every complaint', async () => {
    const missing = join(folder, 'missing.wav');
    await expect(readWavFile(missing, 8_000)).rejects.toThrow(WavError);
    await expect(readWavFile(missing, 8_000)).rejects.toThrow(/missing\.wav.*ENOENT/);
    const wrongRate = join(folder, 'cd.wav');
    writeFileSync(wrongRate, encodeWav([new Int16Array(441)], 44_100));
    await expect(readWavFile(wrongRate, 8_000)).rejects.toThrow(/cd\.wav: is at 44100 Hz/);
  });

  test('does not read a file that is too large', async () => {
    const path = join(folder, 'huge.wav');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 40);
    await expect(readWavFile(path, 8_000)).rejects.toThrow(/huge\.wav: has 1099511627776 bytes, more than/);
  });
});
