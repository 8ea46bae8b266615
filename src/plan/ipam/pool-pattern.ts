// Wildcards in pool names, as Go's filepath.Match reads them: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a character.

import { OrbError } from '#base';

/** Whether the name has a wildcard. */
export function isPattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** A function that tells whether a name matches the pattern. */
export function patternMatcher(pattern: string): (name: string) => boolean {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const char = pattern.charAt(at);
    if (char === '[') {
      const { text, end } = characterClass(pattern, at);
      source += text;
      at = end;
    } else if (char === '\\') {
      source += literal(pattern.charAt(at + 1) || refuse(pattern));
      at += 2;
    } else {
      source += char === '*' ? '[^/]*' : char === '?' ? '[^/]' : literal(char);
      at += 1;
    }
  }
  const matcher = new RegExp(`^${source}$`, 'u');
  return (name) => matcher.test(name);
}

/** The class that begins at `start` as a regular expression, and where it ends. */
function characterClass(pattern: string, start: number): { text: string; end: number } {
  let at = start + 1;
  const negated = pattern.charAt(at) === '^';
  if (negated) at += 1;
  const next = (): string => {
    if (pattern.charAt(at) === '\\') at += 1;
    else if (pattern.charAt(at) === '-' || pattern.charAt(at) === ']') refuse(pattern);
    return pattern.charAt(at++) || refuse(pattern);
  };
  let ranges = '';
  do {
    const low = next();
    let high = low;
    if (pattern.charAt(at) === '-') {
      at += 1;
      high = next();
    }
    if (low <= high) ranges += `${literal(low)}-${literal(high)}`;
  } while (at < pattern.length && pattern.charAt(at) !== ']');
  if (pattern.charAt(at) !== ']') refuse(pattern);
  return { text: `[${negated ? '^' : ''}${ranges}]`, end: at + 1 };
}

function literal(char: string): string {
  return `\\u{${char.charCodeAt(0).toString(16)}}`;
}

function refuse(pattern: string): never {
  const message = `syntax error in pattern '${pattern}'; allowed: a pool name with '*', '?' and character classes such as '[a-z]'`;
  throw new OrbError('INPUT_INVALID', { message });
}
