import { setImmediate } from 'node:timers/promises';
import { Concealment } from '../../src/audio/concealment';
import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { levelDbfs, toneLevel } from '../../src/audio/level';
import { loadOpus } from '../../src/audio/opus';
import { samplesPerFrame } from '../../src/audio/pcm';
import { Downsampler, Upsampler } from '../../src/audio/resampler';
import { ToneGenerator } from '../../src/audio/tone';
import type { Report } from './report';

interface Measurement {
  name: string;
  /** What one 20 ms frame may cost. */
  goalNs: number;
  /** Fewer where one takes long. */
  framesPerRound?: number;
  frame: () => void;
}

/** What the audio of a call costs: CPU nanoseconds for each 20 ms frame, beside what it may cost. */
export async function run(report: Report): Promise<void> {
  report.line('  one 20 ms frame: processor time of this process, median of rounds');
  for (const measurement of [...measurements(), ...opusMeasurements(report)]) {
    const { name, goalNs } = measurement;
    const { medianNs, bestNs } = measured(measurement);
    report.figure({ name, value: medianNs, unit: 'ns', atMost: goalNs, aside: `best round ${Math.round(bestNs)}` });
    // So that a Ctrl-C is heard between two of them.
    await setImmediate();
  }
}

/**
 * Goals: tables at what they take in C (some 90 ns) and a call; filters at what blocked float64 loops reached in a
 * prototype, with half as much again for a busy machine; the rest small beside those.
 */
function measurements(): Measurement[] {
  const narrow = tone(8_000);
  const wide = tone(24_000);
  const narrowOut = new Int16Array(narrow.length);
  const wideOut = new Int16Array(wide.length);
  const octets = new Uint8Array(narrow.length);
  const upsampler = new Upsampler();
  const downsampler = new Downsampler();
  const concealment = new Concealment();
  const generator = new ToneGenerator(8_000, 610, -12);
  return [
    { name: 'G.711 encode, PCMU', goalNs: 200, frame: () => encodeG711('pcmu', narrow, octets) },
    { name: 'G.711 encode, PCMA', goalNs: 200, frame: () => encodeG711('pcma', narrow, octets) },
    { name: 'G.711 decode, PCMU', goalNs: 200, frame: () => decodeG711('pcmu', octets, narrowOut) },
    { name: 'G.711 decode, PCMA', goalNs: 200, frame: () => decodeG711('pcma', octets, narrowOut) },
    { name: 'resampler 8 to 24 kHz', goalNs: 10_000, frame: () => upsampler.process(narrow, wideOut) },
    { name: 'resampler 24 to 8 kHz', goalNs: 12_000, frame: () => downsampler.process(wide, narrowOut) },
    { name: 'concealment, good frame', goalNs: 600, frame: () => concealment.good(narrow) },
    {
      name: 'concealment, lost frame and return',
      goalNs: 20_000,
      frame: () => loseOne(concealment, narrow, narrowOut),
    },
    { name: 'level, 8 kHz', goalNs: 600, frame: () => levelDbfs(narrow) },
    { name: 'tone level, 8 kHz', goalNs: 1_500, frame: () => toneLevel(narrow, 8_000, 610) },
    { name: 'tone generator, 8 kHz', goalNs: 8_000, frame: () => generator.fill(narrowOut) },
  ];
}

/** Goals: what libopus took by itself for speech, with half as much again. */
function opusMeasurements(report: Report): Measurement[] {
  const create = loadOpus();
  if (typeof create === 'string') {
    report.line('  Opus is not measured: it is not built (npm run opus)');
    return [];
  }
  const opus = create(24_000);
  const frame = tone(24_000);
  const packet = Buffer.from(opus.encode(frame));
  return [
    { name: 'Opus encode, 24 kHz', goalNs: 400_000, framesPerRound: 200, frame: () => opus.encode(frame) },
    { name: 'Opus decode, 24 kHz', goalNs: 100_000, framesPerRound: 200, frame: () => opus.decode(packet) },
  ];
}

function loseOne(concealment: Concealment, heard: Int16Array, out: Int16Array): void {
  concealment.conceal(out);
  out.set(heard);
  concealment.good(out);
}

function tone(rateHz: 8_000 | 24_000): Int16Array {
  const frame = new Int16Array(samplesPerFrame(rateHz));
  new ToneGenerator(rateHz, 610, -6).fill(frame);
  return frame;
}

const rounds = 9;
const usualFramesPerRound = 5_000;
const roundsToWarmUp = 2.4;

function measured({ frame, framesPerRound = usualFramesPerRound }: Measurement): { medianNs: number; bestNs: number } {
  for (let i = 0; i < roundsToWarmUp * framesPerRound; i += 1) frame();
  const perFrameNs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    for (let i = 0; i < framesPerRound; i += 1) frame();
    // The time of this process alone: other work on the machine is not counted, but for the caches that it shares.
    const { user, system } = process.cpuUsage(before);
    perFrameNs.push(((user + system) * 1_000) / framesPerRound);
  }
  perFrameNs.sort((a, b) => a - b);
  return { medianNs: perFrameNs[Math.floor(rounds / 2)] ?? 0, bestNs: perFrameNs[0] ?? 0 };
}
