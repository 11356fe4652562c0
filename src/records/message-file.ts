import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { isoDay, isoTime } from '../runtime/iso-time';
import type { Logger } from '../runtime/logger';
import type { JournalDisk } from './journal-disk';
import { nodeDisk } from './journal-disk';

export interface MessageFileOptions {
  /** Made with the first message. One process per folder. */
  folder: string;
  clock: Clock;
  logger: Logger;
  disk?: JournalDisk;
}

/** A message that a caller left; texts as they came, of bounded length. */
export interface CallerMessage {
  callId: string;
  callerNumber: string;
  callerName: string;
  calledNumber: string;
  agent: string;
  text: string;
  callBack: string | undefined;
}

/** One caller with a grudge must not fill the book, nor the disk. */
const messagesPerCallMax = 5;
const messagesPerDayMax = 5_000;
const callsRememberedMax = 1_000;

/** The name of the file that holds the messages of a UTC day. */
export function messageFileName(day: string): string {
  return `messages-${day}.jsonl`;
}

/**
 * The messages that callers left: one JSON line each, one file per UTC day. A message counts as kept when it is on the
 * disk; then it can be promised to the caller.
 */
export class MessageFile {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #disk: JournalDisk;
  readonly #perCall = new Map<string, number>();
  #today = { day: '', count: 0 };
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MessageFileOptions) {
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#disk = options.disk ?? nodeDisk;
  }

  /** Never rejects. Messages are written one after the other. */
  add(message: CallerMessage): Promise<'kept' | 'full' | 'failed'> {
    const added = this.#last.then(() => this.#add(message));
    this.#last = added;
    return added;
  }

  async #add(message: CallerMessage): Promise<'kept' | 'full' | 'failed'> {
    const nowMs = this.#clock.wallTimeMs();
    const day = isoDay(nowMs);
    if (day !== this.#today.day) this.#today = { day, count: 0 };
    const ofCall = this.#perCall.get(message.callId) ?? 0;
    if (ofCall >= messagesPerCallMax || this.#today.count >= messagesPerDayMax) return 'full';
    try {
      await this.#write(
        day,
        `${JSON.stringify({ at: isoTime(nowMs), ...message, callBack: message.callBack ?? null })}\n`,
      );
    } catch (cause) {
      this.#logger.error({ folder: this.#folder, error: messageOf(cause) }, 'a message of a caller cannot be kept');
      return 'failed';
    }
    this.#today.count += 1;
    this.#perCall.set(message.callId, ofCall + 1);
    this.#forgetOldCalls();
    return 'kept';
  }

  async #write(day: string, line: string): Promise<void> {
    this.#disk.makeFolder(this.#folder);
    const { file, torn } = this.#disk.open(this.#folder, messageFileName(day));
    try {
      // A line that a full disk cut short must not swallow this one.
      const bytes = Buffer.from(torn ? `\n${line}` : line);
      for (let written = 0; written < bytes.length;) {
        const count = this.#disk.write(file, bytes, written);
        if (count === 0) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
        written += count;
      }
      await this.#disk.sync(file);
    } finally {
      this.#disk.close(file);
    }
  }

  #forgetOldCalls(): void {
    for (const callId of this.#perCall.keys()) {
      if (this.#perCall.size <= callsRememberedMax) return;
      this.#perCall.delete(callId);
    }
  }
}
