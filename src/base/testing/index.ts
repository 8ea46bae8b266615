export { FakeClock } from './fake-clock.ts';
export { LogLines } from './log-lines.ts';
