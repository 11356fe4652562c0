import { encodeG711 } from '../audio/g711';
import type { CreateOpus, OpusVoice } from '../audio/opus';
import { samplesPerFrame, type PcmFrame, type SampleRateHz } from '../audio/pcm';
import { createRateConverter, type RateConverter } from '../audio/resampler';
import { invariant } from '../runtime/invariant';
import type { NegotiatedAudio } from './negotiation';
import type { ReceivedFormat } from './receive-path';

/**
 * What a leg speaks now, at the rate that the leg has for its life: the one place that knows both. A leg that begins with
 * Opus runs at 24 kHz, which the model's audio goes through as it is, any other at 8 kHz. After a change of codec Opus takes
 * the leg's rate, and G.711 on a leg at 24 kHz is resampled here.
 */
export class LegCodec {
  readonly #createOpus: CreateOpus | undefined;
  readonly #g711 = new Uint8Array(samplesPerFrame(8_000));
  #rateHz: SampleRateHz = 8_000;
  #isRateFixed = false;
  #audio: NegotiatedAudio | undefined;
  #opus: OpusVoice | undefined;
  #codedHz: SampleRateHz = 8_000;
  #toCoded: RateConverter = createRateConverter(8_000, 8_000);
  #toLeg: RateConverter = this.#toCoded;
  #frame: PcmFrame = new Int16Array(0);
  #coded: PcmFrame = new Int16Array(0);
  #heard: PcmFrame = new Int16Array(0);

  /** `createOpus`: undefined where Opus is never agreed on. */
  constructor(createOpus: CreateOpus | undefined) {
    this.#createOpus = createOpus;
  }

  get rateHz(): SampleRateHz {
    return this.#rateHz;
  }

  /** What is to be read from the caller's packets. */
  get received(): ReceivedFormat {
    const isOpus = this.#audio?.codec === 'opus';
    return {
      rateHz: this.#codedHz,
      clockHz: this.#audio?.clockHz ?? 8_000,
      opus: isOpus ? this.#opus : undefined,
    };
  }

  /** Both sides have agreed on this, for the first time or anew. */
  agree(audio: NegotiatedAudio): void {
    const isOpus = audio.codec === 'opus';
    if (isOpus && !this.#isRateFixed) this.#rateHz = 24_000;
    this.fixRate();
    this.#audio = audio;
    if (isOpus) this.#opus ??= this.#createOpus?.(this.#rateHz);
    if (audio.opus !== undefined) this.#opus?.limit(audio.opus);
    this.#useRates(isOpus ? this.#rateHz : 8_000);
  }

  /** From now on others rely on it. */
  fixRate(): void {
    this.#isRateFixed = true;
  }

  /** 20 ms at the leg's rate, for whoever has the next ones; `encode` reads them. */
  get frame(): PcmFrame {
    return this.#frame;
  }

  /** The payload of `frame`, valid until the next call. */
  encode(): Uint8Array {
    const codec = this.#audio?.codec ?? 'pcmu';
    if (this.#coded !== this.#frame) this.#toCoded.process(this.#frame, this.#coded);
    if (codec === 'opus') {
      invariant(this.#opus !== undefined, 'Opus is agreed on only where it is there');
      return this.#opus.encode(this.#coded);
    }
    encodeG711(codec, this.#coded, this.#g711);
    return this.#g711;
  }

  /** 20 ms as they were received, at the leg's rate. They are valid until the next call. */
  toLeg(received: PcmFrame): PcmFrame {
    if (this.#codedHz === this.#rateHz) return received;
    this.#toLeg.process(received, this.#heard);
    return this.#heard;
  }

  #useRates(codedHz: SampleRateHz): void {
    if (this.#frame.length > 0 && codedHz === this.#codedHz) return;
    this.#codedHz = codedHz;
    this.#frame = new Int16Array(samplesPerFrame(this.#rateHz));
    this.#coded = codedHz === this.#rateHz ? this.#frame : new Int16Array(samplesPerFrame(codedHz));
    this.#heard = new Int16Array(samplesPerFrame(this.#rateHz));
    this.#toCoded = createRateConverter(this.#rateHz, codedHz);
    this.#toLeg = createRateConverter(codedHz, this.#rateHz);
  }
}
