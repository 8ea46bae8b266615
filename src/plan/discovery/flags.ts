// Values of flags in the command lines of control-plane programs.

/**
 * All values of the flag, in order: `--flag=value` and `--flag value`, with one dash or two, also in the command line
 * of a shell and in quotes.
 */
export function flagValues(argv: readonly string[], flag: string): string[] {
  const words = argv.flatMap(wordsOf);
  return words.flatMap((word, index) => {
    const [, name, value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name !== flag) return [];
    const given = value ?? words[index + 1];
    return given === undefined ? [] : [unquoted(given)];
  });
}

/** The words of a shell's command line. An argument that is one word stays as it is. */
function wordsOf(argument: string): string[] {
  if (!/\s/.test(argument.trim())) return [argument.trim()];
  return argument.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
}

function unquoted(text: string): string {
  return text.replaceAll(/["']/g, '').trim();
}
