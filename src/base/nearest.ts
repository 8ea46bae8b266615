// Finds the known word that a mistyped word means.

/** How many differences a mistyped word may have. A word with more differences is another word. */
function tolerance({ length }: string): number {
  return Math.min(3, Math.floor(length / 3) + 1);
}

/** The known words that differ in only a few letters, the nearest first. */
export function nearest(word: string, known: Iterable<string>): string[] {
  return [...new Set(known)]
    .filter((each) => Math.abs(each.length - word.length) <= tolerance(word))
    .map((each) => ({ each, differences: differences(word.toLowerCase(), each.toLowerCase()) }))
    .filter((found) => found.differences <= tolerance(word))
    .toSorted((a, b) => a.differences - b.differences)
    .map(({ each }) => each);
}

/** The end of a sentence: `; did you mean a or b?`, or empty text. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const words = nearest(word, known).slice(0, 3);
  return words.length === 0 ? '' : `; did you mean ${words.join(' or ')}?`;
}

/**
 * The same for names of the form `NAMESPACE/NAME`. A word without a namespace is compared only with the names. If a
 * name in another namespace equals the word, that name is suggested.
 */
export function didYouMeanName(word: string, known: readonly string[]): string {
  const elsewhere = known.filter((name) => name.endsWith(`/${word}`)).slice(0, 3);
  if (elsewhere.length > 0) return `; did you mean ${elsewhere.join(' or ')}?`;
  return didYouMean(word, word.includes('/') ? known : known.map((name) => name.replace(/^.*\//, '')));
}

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour (optimal string alignment
 * distance).
 */
function differences(a: string, b: string): number {
  let twoBefore: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const line = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const ways = [at(before, j) + 1, at(line, j - 1) + 1, at(before, j - 1) + same];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      line.push(Math.min(...ways, ...(swapped ? [at(twoBefore, j - 2) + 1] : [])));
    }
    [twoBefore, before] = [before, line];
  }
  return at(before, b.length);
}

function at(line: readonly number[], i: number): number {
  return line[i] ?? Number.POSITIVE_INFINITY;
}
