// A stream on which a program shows what others have written. Only the program itself paints.

import { randomUUID } from 'node:crypto';
import { type Paint, paintFor } from './paint.ts';
import { shownText } from './shown-text.ts';

const ESCAPE = '\u001b';

export class Screen {
  readonly #stream: NodeJS.WriteStream;
  /** Stands for the escape character of our own colours until they are written. Nobody can know it before. */
  readonly #ours = randomUUID();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** For texts that are written here, and nowhere else. */
  readonly paint: Paint = (tone, text) =>
    paintFor(this.#stream)(tone, shownText(text)).replaceAll(ESCAPE, this.#ours);

  /** Writes the text as {@link shownText} has it. */
  readonly write = (text: string): void => {
    this.#stream.write(text.split(this.#ours).map(shownText).join(ESCAPE));
  };
}
