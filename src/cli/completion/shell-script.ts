// The script for each shell: at Tab it asks `orbctl complete` with the words so far. If there is no answer, it offers files.

import { didYouMean, OrbError } from '#base';

const BASH = `_orbctl() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _orbctl orbctl
`;

const ZSH = `#compdef orbctl
_orbctl() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then _describe -t words word found; else _files; fi
}
if [[ "$funcstack[1]" == _orbctl ]]; then _orbctl "$@"; else compdef _orbctl orbctl; fi
`;

const FISH = `function __orbctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l found ($program complete -- $words "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c orbctl -f -a '(__orbctl_complete)'
`;

const scripts = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export const shells = Object.keys(scripts);

/** Throws INPUT_INVALID for a shell that has no script. */
export function shellScript(shell: string): string {
  if (Object.hasOwn(scripts, shell)) return scripts[shell as keyof typeof scripts];
  const message = `completion for ${JSON.stringify(shell)}: allowed are ${shells.join(', ')}${didYouMean(shell, shells)}`;
  throw new OrbError('INPUT_INVALID', { message });
}
