import { setTimeout } from 'node:timers/promises';

import { encodeG711 } from '../../src/audio/g711';
import { levelDbfs, toneLevel } from '../../src/audio/level';
import { samplesPerFrame } from '../../src/audio/pcm';
import { ToneGenerator } from '../../src/audio/tone';
import type { BenchOptions } from './bench';
import { OneCall, paced } from './one-call';
import type { Report } from './report';
import { Samples } from './samples';

const secondsDefault = 30;
/** Just-in-time compilation, connections and the first garbage collections are over by then. */
const warmUpMs = 3_000;

/**
 * The bridge's own share of the way, in one call: from the phone's packet to the model's append, and from the model's
 * delta to the first packet of it at the phone. Both ends are this process; the kernel's and this process's own share
 * is in the figures.
 */
export async function run(report: Report, { seconds = secondsDefault, profile, env }: BenchOptions): Promise<void> {
  report.line('  one call; kernel (UDP, TCP), WebSocket library and this process at both ends are in the figures');
  const call = await OneCall.place({ profile, env });
  try {
    const uplink = new Uplink(call);
    const downlink = new Downlink(call);
    await setTimeout(warmUpMs);
    uplink.begin();
    downlink.begin();
    await setTimeout(seconds * 1_000);
    uplink.end();
    downlink.end();
    uplink.report(report);
    downlink.report(report);
  } finally {
    await call.end();
  }
}

/** Tones of whole periods in 20 ms, far apart: a frame of one of them is recognised by itself. */
const marksHz = [400, 750, 1_100, 1_450, 1_800, 2_150, 2_500, 2_850];

/** Packets whose tones take turns; an append is of the last packet with its tone. */
class Uplink {
  readonly #latencies = new Samples();
  readonly #sentMs = new Float64Array(marksHz.length);
  readonly #pacing: { end(): void };
  #measuring = false;
  #sent = 0;

  constructor(call: OneCall) {
    const payloads = marksHz.map((hz) => pcmuTone(hz));
    call.model.onAppend = (audio, arrivedMs) => this.#onAppend(audio, arrivedMs);
    // Jitter, so that packets do not always come at the same place between two ticks of the bridge.
    this.#pacing = paced(
      (index) => {
        const mark = index % marksHz.length;
        if (this.#measuring) this.#sent += 1;
        this.#sentMs[mark] = this.#measuring ? performance.now() : 0;
        call.phone.send(payloads[mark] as Uint8Array, 0);
      },
      { jitterMs: 10 },
    );
  }

  begin(): void {
    this.#measuring = true;
  }

  end(): void {
    this.#pacing.end();
  }

  report(report: Report): void {
    report.spread(
      'packet in to append out',
      { ...this.#latencies.spread, aside: `of ${this.#latencies.count}` },
      { p99: 3 },
    );
    // The last one may still be on its way.
    const missing = Math.max(0, this.#sent - this.#latencies.count - 1);
    report.none('packets that were not found again', missing, 'packets');
  }

  #onAppend(audio: Buffer, arrivedMs: number): void {
    const mark = strongestMark(audio);
    const sentMs = this.#sentMs[mark] ?? 0;
    if (sentMs === 0) return;
    this.#sentMs[mark] = 0;
    this.#latencies.add(arrivedMs - sentMs);
  }
}

/** What is louder than this is the burst. */
const burstDbfs = -40;
const burstDeadlineMs = 1_000;

/** Bursts of 20 ms, one at a time, at moments that have nothing to do with the bridge's ticks. */
class Downlink {
  readonly #call: OneCall;
  readonly #latencies = new Samples();
  #sentMs = 0;
  #lost = 0;
  #state: 'idle' | 'sent' | 'heard' | 'ended' = 'idle';
  #timer: NodeJS.Timeout | undefined;

  constructor(call: OneCall) {
    this.#call = call;
    call.onHeard = (samples, arrivedMs) => this.#onHeard(levelDbfs(samples) > burstDbfs, arrivedMs);
  }

  begin(): void {
    this.#sendSoon();
  }

  end(): void {
    this.#state = 'ended';
    globalThis.clearTimeout(this.#timer);
  }

  report(report: Report): void {
    const name = 'delta in to first packet out';
    const aside = 'the wait for the next tick alone: mean 10, p99 19.8 ms';
    report.figure({ name: `${name}, mean`, value: this.#latencies.mean, unit: 'ms', aside });
    report.spread(name, { ...this.#latencies.spread, aside: `of ${this.#latencies.count}` }, { p99: 25 });
    report.none('bursts that were not heard', this.#lost, 'bursts');
  }

  #sendSoon(): void {
    this.#state = 'idle';
    this.#timer = globalThis.setTimeout(() => this.#send(), Math.random() * 20);
  }

  #send(): void {
    this.#state = 'sent';
    this.#sentMs = performance.now();
    this.#call.model.finish(this.#call.model.say(burst), 'completed');
    this.#timer = globalThis.setTimeout(() => {
      this.#lost += 1;
      this.#sendSoon();
    }, burstDeadlineMs);
  }

  #onHeard(isLoud: boolean, arrivedMs: number): void {
    if (this.#state === 'sent' && isLoud) {
      this.#state = 'heard';
      globalThis.clearTimeout(this.#timer);
      this.#latencies.add(arrivedMs - this.#sentMs);
    } else if (this.#state === 'heard' && !isLoud) {
      this.#sendSoon();
    }
  }
}

const burst = new Int16Array(samplesPerFrame(24_000));
new ToneGenerator(24_000, 1_000, -10).fill(burst);

function pcmuTone(hz: number): Uint8Array {
  const samples = new Int16Array(samplesPerFrame(8_000));
  new ToneGenerator(8_000, hz, -10).fill(samples);
  const payload = new Uint8Array(samples.length);
  encodeG711('pcmu', samples, payload);
  return payload;
}

function strongestMark(audio: Buffer): number {
  const samples = new Int16Array(audio.length >> 1);
  for (let i = 0; i < samples.length; i += 1) samples[i] = audio.readInt16LE(i * 2);
  let best = -1;
  // Silence has no mark.
  let bestDbfs = burstDbfs;
  for (const [mark, hz] of marksHz.entries()) {
    const dbfs = toneLevel(samples, 24_000, hz);
    if (dbfs <= bestDbfs) continue;
    best = mark;
    bestDbfs = dbfs;
  }
  return best;
}
