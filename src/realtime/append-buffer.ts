import { endianness } from 'node:os';

import { encodeG711 } from '../audio/g711';
import { frameMs, samplesPerFrame, type PcmFrame } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import { invariant } from '../runtime/invariant';
import type { AudioFormat } from './agent-schema';
import { bytesPerSampleOf, rateHzOf } from './audio-format';
import { appendMessage } from './client-events';
import { encodeSpeech } from './encoded-speech';
import type { ModelConnection } from './model-connection';

/**
 * Caller audio that may wait in a slow connection. Older words are worth less than a conversation in step: whole frames
 * are dropped then. It keeps `bufferedBytes` far below 512 kB in every format.
 */
const backlogMaxMs = 2_000;

/** The caller's frames on their way into `input_audio_buffer.append`: encoded, joined to batches, dropped when late. */
export class AppendBuffer {
  readonly #format: AudioFormat;
  readonly #framesPerAppend: number;
  readonly #frameSamples: number;
  readonly #bytes: Buffer;
  readonly #samples: Int16Array;
  readonly #backlogMaxBytes: number;
  #framesWaiting = 0;
  /** Octets beside the caller's audio that may still wait in the connection. */
  #besideBytes = 0;
  framesAppended = 0;
  framesDropped = 0;

  constructor({ format, framesPerAppend }: { format: AudioFormat; framesPerAppend: number }) {
    invariant(framesPerAppend >= 1 && framesPerAppend <= 10, 'an append holds 1 to 10 frames');
    const bytesPerFrame = samplesPerFrame(rateHzOf[format]) * bytesPerSampleOf[format];
    this.#format = format;
    this.#framesPerAppend = framesPerAppend;
    this.#frameSamples = samplesPerFrame(rateHzOf[format]);
    this.#bytes = Buffer.alloc(bytesPerFrame * framesPerAppend);
    this.#samples = new Int16Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length >> 1);
    this.#backlogMaxBytes = (backlogMaxMs / frameMs) * bytesPerFrame * (4 / 3);
  }

  /** Speech that goes another way, as base64 in the format of the frames: it makes none of them late. */
  encodeBeside(speech: Recording): string {
    const base64 = encodeSpeech(this.#format, speech);
    this.#besideBytes += base64.length;
    return base64;
  }

  /** Takes a copy of one frame; every `framesPerAppend`th sends an append. */
  push(frame: PcmFrame, connection: ModelConnection): void {
    invariant(frame.length === this.#frameSamples, 'a frame for the model has 20 ms at the rate of the session');
    const offset = this.#framesWaiting * this.#frameSamples;
    if (this.#format === 'pcm') this.#samples.set(frame, offset);
    else encodeG711(this.#format, frame, this.#bytes, offset);
    this.#framesWaiting += 1;
    if (this.#framesWaiting < this.#framesPerAppend) return;
    this.#framesWaiting = 0;
    const { bufferedBytes } = connection;
    if (bufferedBytes <= this.#backlogMaxBytes) this.#besideBytes = 0;
    if (bufferedBytes > this.#backlogMaxBytes + this.#besideBytes) {
      this.framesDropped += this.#framesPerAppend;
      return;
    }
    if (this.#format === 'pcm' && isBigEndian) this.#bytes.swap16();
    connection.send(appendMessage(this.#bytes.toString('base64')));
    this.framesAppended += this.#framesPerAppend;
  }
}

const isBigEndian = endianness() === 'BE';
