// Lines of an answer. A name or a message with line breaks must not look like a line of ours.

/** The text in one line. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

/** The lines as text, as many as there are. */
export function linesText(lines: readonly string[]): string {
  return lines.map(oneLine).join('\n');
}
