// The options that our long-running programs share. Their values are those of Spiderpool's programs.

import { OrbError } from '#base';

const levels = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'];

/** The level for the log, from `--log-level`. @throws OrbError INPUT_INVALID */
export function logLevel(text: string): string {
  if (levels.includes(text)) return text === 'panic' ? 'fatal' : text;
  throw refusal(`--log-level ${JSON.stringify(text)}: allowed are ${levels.join(', ')}`);
}

/** The port from an option, for example `--health-port`; undefined for `none`. @throws OrbError INPUT_INVALID */
export function portOrNone(option: string, text: string): number | undefined {
  if (text === 'none') return undefined;
  if (/^[0-9]{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw refusal(`${option} ${JSON.stringify(text)} is not a port of 0 to 65535 or "none"`);
}

function refusal(message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
