// The port through which every floor logs; src/main puts pino behind it.

/** Fields of a log line; names as in the agent's JSON log. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose every line carries `fields` too. */
  child(fields: LogFields): Logger;
}

/** A logger for tests and for programs that must stay silent. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
