import { endianness } from 'node:os';

import { decodeG711 } from '../audio/g711';
import type { PcmFrame } from '../audio/pcm';
import type { AudioFormat } from './agent-schema';
import { rateHzOf } from './audio-format';
import type { ResponseContent } from './server-events';
import type { ItemContent } from './session-listener';

/** Contents whose length is remembered for `conversation.item.truncate`; a turn has one to three. */
const contentsMax = 64;

interface Content extends ResponseContent {
  samples: number;
  /** First half of a sample whose second half is in the next delta. */
  oddByte: number | undefined;
  done: boolean;
}

/**
 * The audio that the model generates, content by content: decodes the deltas, which end anywhere, even within a sample,
 * and counts what came, because a truncation beyond it is an error.
 */
export class AgentAudio {
  readonly #format: AudioFormat;
  readonly #contents = new Map<string, Content>();

  constructor(format: AudioFormat) {
    this.#format = format;
  }

  /**
   * The samples of one delta, in an array of their own; undefined when there is no whole one, or when the content was
   * done already. Must not keep `audio`.
   */
  decode(delta: ResponseContent & { audio: Buffer }): PcmFrame | undefined {
    const content = this.#contentOf(delta);
    if (content.done) return undefined;
    const samples = this.#format === 'pcm' ? joinSamples(content, delta.audio) : decodeLaw(this.#format, delta.audio);
    content.samples += samples.length;
    return samples.length === 0 ? undefined : samples;
  }

  /** No more audio for this content. False when that was known, or when it never had any. */
  finish({ itemId, contentIndex }: ItemContent): boolean {
    const content = this.#contents.get(keyOf(itemId, contentIndex));
    if (content === undefined || content.done) return false;
    content.done = true;
    return true;
  }

  /** The contents of a response that were not done; now they are. */
  finishResponse(responseId: string): ResponseContent[] {
    const finished: ResponseContent[] = [];
    for (const content of this.#contents.values()) {
      if (content.responseId === responseId && this.finish(content)) finished.push(content);
    }
    return finished;
  }

  /** Whole milliseconds that were received; undefined for a content without audio. */
  receivedMs({ itemId, contentIndex }: ItemContent): number | undefined {
    const content = this.#contents.get(keyOf(itemId, contentIndex));
    return content && Math.floor((content.samples * 1_000) / rateHzOf[this.#format]);
  }

  #contentOf({ responseId, itemId, contentIndex }: ResponseContent): Content {
    const key = keyOf(itemId, contentIndex);
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    const content: Content = { responseId, itemId, contentIndex, samples: 0, oddByte: undefined, done: false };
    this.#contents.set(key, content);
    if (this.#contents.size > contentsMax) {
      for (const oldest of this.#contents.keys()) {
        this.#contents.delete(oldest);
        break;
      }
    }
    return content;
  }
}

function keyOf(itemId: string, contentIndex: number): string {
  return `${contentIndex}/${itemId}`;
}

function decodeLaw(law: 'pcmu' | 'pcma', bytes: Buffer): PcmFrame {
  const samples = new Int16Array(bytes.length);
  decodeG711(law, bytes, samples);
  return samples;
}

/** 16-bit little-endian samples, with the odd byte of the delta before in front. */
function joinSamples(content: Content, bytes: Buffer): PcmFrame {
  const carriedBytes = content.oddByte === undefined ? 0 : 1;
  const totalBytes = carriedBytes + bytes.length;
  const samples = new Int16Array(totalBytes >> 1);
  const joined = Buffer.from(samples.buffer);
  if (content.oddByte !== undefined && joined.length > 0) joined[0] = content.oddByte;
  bytes.copy(joined, carriedBytes);
  if (isBigEndian) joined.swap16();
  if (totalBytes % 2 === 0) content.oddByte = undefined;
  else if (bytes.length > 0) content.oddByte = bytes[bytes.length - 1];
  return samples;
}

const isBigEndian = endianness() === 'BE';
