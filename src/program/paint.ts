// Colour, if a terminal shows it and the user does not forbid it (NO_COLOR, https://no-color.org; FORCE_COLOR).

import { styleText } from 'node:util';

/** What a text means. The colour follows from it. */
export type Tone = 'good' | 'bad' | 'faint';

/** The text in the colour of its tone, or unchanged. */
export type Paint = (tone: Tone, text: string) => string;

const formats = { good: 'green', bad: 'red', faint: 'dim' } as const;

/** Paints what is written to `stream`. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (tone, text) => styleText(formats[tone], text, { stream });
}
