import pino from 'pino';

import type { LogFields, Logger } from '../runtime/logger';
import { redactFields } from './redaction';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Where lines go: each ends in a newline. */
export interface LogDestination {
  write(line: string): void;
}

/** The runtime's logger, with what the process needs at its end. */
export interface RootLogger extends Logger {
  /** Passes on a line that a logger of another process has made, without its newline. */
  pass(line: string): void;
  /** Hands over what is still buffered, before the process exits. */
  flush(): void;
}

/** Lines that nobody reads fast enough are dropped beyond this, rather than grow without end. */
const bufferedBytesMax = 4_194_304;

/** One JSON object per line, on standard output unless told otherwise, everything redacted on its way. */
export function createLogger(options: { level: LogLevel; destination?: LogDestination }): RootLogger {
  const destination = options.destination ?? standardOutput();
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return Object.assign(new PinoLogger(root), {
    pass: (line: string) => destination.write(`${line}\n`),
    flush: () => flushIfItCan(destination),
  });
}

class PinoLogger implements Logger {
  readonly #pino: pino.Logger;

  constructor(logger: pino.Logger) {
    this.#pino = logger;
  }

  debug(fields: LogFields, sentence: string): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(redactFields(fields), sentence);
  }

  info(fields: LogFields, sentence: string): void {
    if (this.#pino.isLevelEnabled('info')) this.#pino.info(redactFields(fields), sentence);
  }

  warn(fields: LogFields, sentence: string): void {
    this.#pino.warn(redactFields(fields), sentence);
  }

  error(fields: LogFields, sentence: string): void {
    this.#pino.error(redactFields(fields), sentence);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(redactFields(fields)));
  }
}

/** Written in the background: a reader that stalls must not stall calls. */
function standardOutput(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 1, sync: false, maxLength: bufferedBytesMax });
  // A reader that went away (EPIPE) is no reason to end calls.
  destination.on('error', () => undefined);
  return destination;
}

function flushIfItCan(destination: LogDestination & { flushSync?: () => void }): void {
  try {
    destination.flushSync?.();
  } catch {
    // Nothing was opened yet, or nobody reads any more: there is nowhere to tell it.
  }
}
