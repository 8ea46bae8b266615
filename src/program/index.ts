export {
  type Certificate,
  type CertificateFacts,
  certify,
  newKey,
  selfSigned,
  stillServes,
} from './certificate.ts';
export { logLevel, portOrNone } from './daemon-options.ts';
export { endProgram, explained, outputClosed, runToEnd, TROUBLE, untilSignal } from './end.ts';
export { type MetricsSource, type Readiness, serveHealth } from './health-server.ts';
export { type Paint, paintFor, type Tone } from './paint.ts';
export { type CommandLine, onlyChecked, runProgram, wholeNumber } from './program.ts';
export { Screen } from './screen.ts';
