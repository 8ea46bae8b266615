// Wildcards in pool names, with the rules of Go's filepath.Match: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a
// character.

import { OrbError } from '#base';

/** Whether the name has a wildcard. */
export function isPattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** One part of a pattern: any text, or one character. */
type Piece = 'any' | ((char: string) => boolean);

/**
 * Returns a function that tells whether a name matches the pattern. Its time grows with name length times pattern
 * length, with any number of `*`. Anyone who may create a pod can write a pattern. A regular expression would try all
 * ways to split the name between the stars.
 */
export function patternMatcher(pattern: string): (name: string) => boolean {
  const pieces = piecesOf(pattern);
  return (name) => matches(pieces, Array.from(name));
}

/** Only the last `*` is extended after a mismatch. Each earlier `*` has already found the first place that fits. */
function matches(pieces: readonly Piece[], name: readonly string[]): boolean {
  let star: { piece: number; taken: number } | undefined;
  let piece = 0;
  let at = 0;
  while (at < name.length || piece < pieces.length) {
    const wanted = pieces[piece];
    const char = name[at];
    if (wanted === 'any') {
      star = { piece, taken: at };
      piece += 1;
    } else if (wanted !== undefined && char !== undefined && wanted(char)) {
      piece += 1;
      at += 1;
    } else if (star !== undefined && star.taken < name.length && name[star.taken] !== '/') {
      star.taken += 1;
      at = star.taken;
      piece = star.piece + 1;
    } else {
      return false;
    }
  }
  return true;
}

function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '*') {
      pieces.push('any');
    } else if (char === '?') {
      pieces.push((one) => one !== '/');
    } else if (char === '[') {
      const { piece, end } = characterClass(pattern, chars, at);
      pieces.push(piece);
      at = end;
    } else {
      const literal = char === '\\' ? (chars[++at] ?? refuse(pattern)) : char;
      pieces.push((one) => one === literal);
    }
  }
  return pieces;
}

/** The character class that begins at `start`, and the position of its `]`. */
function characterClass(
  pattern: string,
  chars: readonly string[],
  start: number,
): { piece: Piece; end: number } {
  let at = start + 1;
  const negated = chars[at] === '^';
  if (negated) at += 1;
  const next = (): string => {
    if (chars[at] === '\\') at += 1;
    else if (chars[at] === '-' || chars[at] === ']') refuse(pattern);
    return chars[at++] ?? refuse(pattern);
  };
  const ranges: { low: string; high: string }[] = [];
  do {
    const low = next();
    let high = low;
    if (chars[at] === '-') {
      at += 1;
      high = next();
    }
    ranges.push({ low, high });
  } while (at < chars.length && chars[at] !== ']');
  if (chars[at] !== ']') refuse(pattern);
  const piece = (one: string) => ranges.some(({ low, high }) => low <= one && one <= high) !== negated;
  return { piece, end: at };
}

function refuse(pattern: string): never {
  const message = `syntax error in pattern '${pattern}'; allowed: a pool name with '*', '?' and character classes such as '[a-z]'`;
  throw new OrbError('INPUT_INVALID', { message });
}
