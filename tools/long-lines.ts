// Finds the lines of a Markdown page that are too long.

/** The maximum length of a line, in characters. */
const MAXIMUM = 120;

/** The numbers of the lines that are too long. Tables, fenced code and web addresses cannot be broken, so they may be longer. */
export function longLines(page: string): number[] {
  let inFence = false;
  return page.split('\n').flatMap((line, index) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) inFence = !inFence;
    if (isFence || inFence || line.startsWith('|')) return [];
    return Array.from(line.replace(/https?:\/\/[^\s)>]+/g, '')).length > MAXIMUM ? [index + 1] : [];
  });
}
