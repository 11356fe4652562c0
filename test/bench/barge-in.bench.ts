import { setTimeout } from 'node:timers/promises';

import { levelDbfs } from '../../src/audio/level';
import type { PcmFrame } from '../../src/audio/pcm';
import { ToneGenerator } from '../../src/audio/tone';
import type { BenchOptions } from './bench';
import { OneCall, paced } from './one-call';
import { pcmuSilence } from './rtp-phone';
import type { Report } from './report';
import { Samples } from './samples';

const repetitions = 20;
/** Far longer than it is let speak. */
const speechMs = 5_000;
/** A tone, so that its ends can be found to the sample. */
const speech = new Int16Array((24_000 * speechMs) / 1_000);
new ToneGenerator(24_000, 610, -10).fill(speech);

const spokenMsMin = 700;
const spokenMsRange = 800;
/** What is queued behind an interruption would be heard by then. */
const aftermathMs = 400;

/**
 * The caller interrupts: how long and in how many packets the agent still speaks after `speech_started`, and how far
 * what the model is told of it is from what the phone got.
 */
export async function run(report: Report, { profile, env }: BenchOptions): Promise<void> {
  report.line(`  ${repetitions} interruptions in one call; kernel and this process at both ends are in the figures`);
  const call = await OneCall.place({ profile, env });
  const silence = new Uint8Array(160).fill(pcmuSilence);
  const pacing = paced(() => call.phone.send(silence, 0), { jitterMs: 0 });
  try {
    const outcomes: Outcome[] = [];
    for (let i = 0; i < repetitions; i += 1) outcomes.push(await interrupt(call));
    tell(report, outcomes);
  } finally {
    pacing.end();
    await call.end();
  }
}

/** Infinity for what never came. */
interface Outcome {
  /** From `speech_started` to the arrival of the last packet with speech; how many such packets came after it. */
  lastSpeechMs: number;
  packetsAfter: number;
  /** From `speech_started` to `conversation.item.truncate`. */
  truncatedAfterMs: number;
  /** `audio_end_ms` minus the speech in the packets that the phone got. */
  truncateErrorMs: number;
}

async function interrupt(call: OneCall): Promise<Outcome> {
  const ear = new Ear();
  call.onHeard = ear.hear;
  let truncated = { audioEndMs: Infinity, arrivedMs: Infinity };
  call.model.onTruncated = (event) => (truncated = event);
  const said = call.model.say(speech);
  await ear.speechBegun;
  await setTimeout(spokenMsMin + Math.random() * spokenMsRange);

  const interruptedMs = performance.now();
  call.model.speechStarted();
  call.model.finish(said, 'cancelled');
  await setTimeout(aftermathMs);
  call.model.speechStopped();
  return {
    lastSpeechMs: Math.max(0, ear.lastSpeechAtMs - interruptedMs),
    packetsAfter: ear.speechPacketsSince(interruptedMs),
    truncatedAfterMs: truncated.arrivedMs - interruptedMs,
    truncateErrorMs: Math.abs(truncated.audioEndMs - ear.speechMs()),
  };
}

/** A packet louder than this has speech in it; a sample louder than that belongs to it. */
const speechDbfs = -50;
const speechSampleMin = 100;

/** Keeps what the phone hears of one sentence. */
class Ear {
  readonly #packets: { samples: PcmFrame; arrivedMs: number; isSpeech: boolean }[] = [];
  #tellBegun: () => void = () => undefined;
  readonly speechBegun = new Promise<void>((resolve) => (this.#tellBegun = resolve));

  readonly hear = (samples: PcmFrame, arrivedMs: number): void => {
    const isSpeech = levelDbfs(samples) > speechDbfs;
    this.#packets.push({ samples: samples.slice(), arrivedMs, isSpeech });
    if (isSpeech) this.#tellBegun();
  };

  get lastSpeechAtMs(): number {
    return this.#packets.findLast((packet) => packet.isSpeech)?.arrivedMs ?? Infinity;
  }

  speechPacketsSince(sinceMs: number): number {
    return this.#packets.filter(({ arrivedMs, isSpeech }) => isSpeech && arrivedMs > sinceMs).length;
  }

  /** From the first sample of the sentence to the last. */
  speechMs(): number {
    const samples = this.#packets.flatMap((packet) => [...packet.samples]);
    const isLoud = (sample: number): boolean => Math.abs(sample) > speechSampleMin;
    return (samples.findLastIndex(isLoud) + 1 - samples.findIndex(isLoud)) / 8;
  }
}

function tell(report: Report, outcomes: readonly Outcome[]): void {
  const of = (read: (outcome: Outcome) => number): Samples => {
    const samples = new Samples();
    samples.addAll(outcomes.map(read));
    return samples;
  };
  const last = of(({ lastSpeechMs }) => lastSpeechMs);
  const packets = of(({ packetsAfter }) => packetsAfter);
  const truncated = of(({ truncatedAfterMs }) => truncatedAfterMs);
  const error = of(({ truncateErrorMs }) => truncateErrorMs);
  const aside = 'a packet that left while the event was on its way counts';
  report.figure({ name: 'speech_started to last packet with speech, p50', value: last.quantile(0.5), unit: 'ms' });
  report.figure({ name: 'speech_started to last packet with speech, max', value: last.max, unit: 'ms', atMost: 25 });
  report.figure({
    name: 'packets with speech after it, p50',
    value: packets.quantile(0.5),
    unit: 'packets',
    atMost: 1,
  });
  report.figure({ name: 'packets with speech after it, max', value: packets.max, unit: 'packets', atMost: 2, aside });
  report.figure({ name: 'speech_started to truncate, max', value: truncated.max, unit: 'ms' });
  report.figure({ name: 'audio_end_ms against what was heard, max error', value: error.max, unit: 'ms', atMost: 20 });
}
