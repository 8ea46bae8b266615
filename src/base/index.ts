export { abortable } from './abortable.ts';
export { BackOff, type BackOffOptions } from './back-off.ts';
export { type ByteOrder, ByteReader, ByteWriter } from './bytes.ts';
export { type Clock, FakeClock, systemClock } from './clock.ts';
export { type ErrorFacts, errorText, isOrbError, OrbError } from './error.ts';
export { type ErrorCode, type ErrorKind, errorTable } from './error-table.ts';
export { type LogFields, type Logger, silentLogger } from './logger.ts';
export { didYouMean, didYouMeanName } from './nearest.ts';
export { Random } from './random.ts';
