// A log that tests read.

import type { LogFields, Logger } from '../logger.ts';

/** The lines of a log. Fields of a child count for its lines. */
export class LogLines implements Logger {
  readonly lines: { level: string; fields: LogFields; message: string }[];
  readonly #fields: LogFields;

  constructor(fields: LogFields = {}, lines: LogLines['lines'] = []) {
    this.#fields = fields;
    this.lines = lines;
  }
  debug = (fields: LogFields, message: string) => this.#add('debug', fields, message);
  info = (fields: LogFields, message: string) => this.#add('info', fields, message);
  warn = (fields: LogFields, message: string) => this.#add('warn', fields, message);
  error = (fields: LogFields, message: string) => this.#add('error', fields, message);
  child = (fields: LogFields) => new LogLines({ ...this.#fields, ...fields }, this.lines);

  #add(level: string, fields: LogFields, message: string): void {
    this.lines.push({ level, fields: { ...this.#fields, ...fields }, message });
  }
}
