// The programs that a list of words or a shell script starts. For example, `ip netns exec NAME ping` starts two.

/** One word of a command; undefined when it is known only at run time. */
export type Word = string | undefined;

/** Programs that start another program, with the options whose value is the next word. */
const carriers: Readonly<Record<string, readonly string[]>> = {
  env: ['-u', '-C'],
  nsenter: ['-t'],
  setpriv: ['--pdeathsig', '--bounding-set'],
  unshare: ['--propagation'],
  timeout: [],
  exec: [],
};
const shells = new Set(['sh', 'bash']);
const shellWords = new Set(
  `. : [ alias break case cd command continue echo esac eval exit export false for getopts hash kill local printf pwd read readonly return
  set shift source test times trap true type ulimit umask unset wait declare shopt`.split(/\s+/),
);
const shellPrefixes = new Set('! { ( if then elif else while until do fi done'.split(' '));

/** The programs that these words start. The first word is the first program. */
export function programsOf(words: readonly Word[]): string[] {
  const [first, ...rest] = words;
  if (first === undefined || first === '') return [];
  if (/\s/.test(first)) return programsOfScript(first);
  const name = /^\/(?:usr\/)?s?bin\/([^/]+)$/.exec(first)?.[1] ?? first;
  // A file of the project or of a test: the code that runs it has made it.
  if (name.includes('/')) return [];
  const own = name === 'exec' ? [] : [name];
  if (shells.has(name)) return [...own, ...programsOfShell(rest)];
  if (name === 'ip' && rest.includes('exec'))
    return [...own, ...programsOf(rest.slice(rest.indexOf('exec') + 2))];
  const valued = carriers[name];
  return valued === undefined ? own : [...own, ...programsOf(carried(rest, valued))];
}

/** The words after the options and variables of a program that starts another one. */
function carried(words: readonly Word[], valued: readonly string[]): readonly Word[] {
  const end = words.indexOf('--');
  if (end >= 0) return words.slice(end + 1);
  let at = 0;
  for (let word = words[at]; word !== undefined && /^-|^\w+=|^\d+s?$/.test(word); word = words[at])
    at += valued.includes(word) ? 2 : 1;
  return words.slice(at);
}

function programsOfShell(words: readonly Word[]): string[] {
  const at = words.findIndex((word) => word !== undefined && /^-[a-z]*c$/.test(word));
  return at < 0 ? [] : programsOfScript(words[at + 1] ?? '');
}

/** The programs of a shell script, without the functions that it defines. */
export function programsOfScript(script: string): string[] {
  const functions = new Set([...script.matchAll(/^\s*([\w-]+) ?\(\)/gm)].map(([, name]) => name));
  const { plain, inner } = withoutQuotes(script);
  const found = plain.split(/\n|;|&&|[|&]/).flatMap((command) => {
    let words = command.trim().split(/\s+/);
    while (words[0] !== undefined && (shellPrefixes.has(words[0]) || /^\w+=/.test(words[0])))
      words = words.slice(1);
    return programsOf(words);
  });
  return [...found, ...inner.flatMap(programsOfScript)].filter(
    (name) => /^[a-z][\w.-]*$/.test(name) && !shellWords.has(name) && !functions.has(name),
  );
}

/** The commands of a script, and the scripts in `$(…)`. Each quotation or value is one word. Patterns of `case` are left out. */
function withoutQuotes(script: string): { plain: string; inner: string[] } {
  const inner: string[] = [];
  let text = script
    .replaceAll(/<<-?\s*'?(\w+)'?[^\n]*\n[\s\S]*?\n\s*\1$/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .replaceAll(/\$\{[^}]*\}|\$[\w@*#?!$-]+|\$?\(\([^\n]*?\)\)/g, 'VALUE');
  for (const substitution = /\$\(([^()]*)\)/; substitution.test(text); )
    text = text.replace(substitution, (_, script_: string) => {
      inner.push(script_);
      return 'VALUE';
    });
  const plain = text
    .replaceAll(/'[^']*'|"[^"]*"|(?<=^|\s)#[^\n]*/gm, (found) => (found.startsWith('#') ? '' : 'QUOTED'))
    .replaceAll(/\d*>&?\s*\S+|&>\s*\S+/g, ' ')
    .replaceAll(/(\bin|;;|\n)[^\n;()]*\)/g, '$1 ')
    .replaceAll(/[()]/g, '\n');
  return { plain, inner };
}
