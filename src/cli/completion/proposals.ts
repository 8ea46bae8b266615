// The completions of the last of some words: stricli's proposals, and the routes that stricli omits.

import { type Application, type CommandContext, proposeCompletions, type RouteMap } from '@stricli/core';

export interface Proposal {
  readonly word: string;
  /** Its meaning, in a few words. */
  readonly brief: string;
}

/** `words` are the words after the program's name; the last one is not finished yet. */
export async function proposals<Own extends CommandContext>(
  app: Application<Own>,
  words: readonly string[],
  context: Own,
): Promise<Proposal[]> {
  const partial = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const isHelp = before[0] === 'help';
  const found = isHelp ? [] : await proposeCompletions(app, words, context);
  const all = [
    ...routesAt(app, isHelp ? before.slice(1) : before),
    ...found.map(({ completion, brief }) => ({ word: completion, brief })),
  ];
  // stricli proposes the end of options (`--`) too; it is of use only where the user has begun to type it.
  const wanted = all.filter(({ word }) => word.startsWith(partial) && (word !== '--' || partial !== ''));
  return [...new Map(wanted.map(({ word, brief }) => [word, { word, brief: shortened(brief) }])).values()];
}

/** The routes below a route. If the route has a default command, stricli proposes only the words of that command. */
function routesAt<Own extends CommandContext>(
  { root }: Application<Own>,
  route: readonly string[],
): Proposal[] {
  let at: RouteMap<Own> | undefined = 'getAllEntries' in root ? root : undefined;
  for (const word of route) {
    const target = at?.getRoutingTargetForInput(word);
    at = target !== undefined && 'getAllEntries' in target ? target : undefined;
  }
  const entries = at?.getAllEntries() ?? [];
  return entries
    .filter(({ hidden }) => !hidden)
    .map(({ name, target }) => ({ word: name['convert-camel-to-kebab'], brief: target.brief }));
}

/** The text before the first `;`, `:` or line break. */
function shortened(brief: string): string {
  return brief.split(/[;:\n] ?/, 1)[0] ?? '';
}
