import type { LogFields, Logger } from '../../src/runtime/logger';

/** Keeps every line as `level sentence`, and its fields. */
export class LoggerSpy implements Logger {
  readonly lines: string[] = [];
  readonly fields: LogFields[] = [];

  debug(fields: LogFields, sentence: string): void {
    this.#keep('debug', fields, sentence);
  }
  info(fields: LogFields, sentence: string): void {
    this.#keep('info', fields, sentence);
  }
  warn(fields: LogFields, sentence: string): void {
    this.#keep('warn', fields, sentence);
  }
  error(fields: LogFields, sentence: string): void {
    this.#keep('error', fields, sentence);
  }
  child(): Logger {
    return this;
  }

  #keep(level: string, fields: LogFields, sentence: string): void {
    this.lines.push(`${level} ${sentence}`);
    this.fields.push(fields);
  }
}
