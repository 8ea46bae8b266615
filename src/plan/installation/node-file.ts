// What the agent does with one file that it installs on its node, and how a configuration shows that it is ours.

import { z } from 'zod';
import { checkJson } from '#api';

/**
 * What is in the place of the file:
 * - `same`: what this version would write.
 * - `ours`: another version of it.
 * - `foreign`: something that another program put there.
 */
export type FoundFile = 'absent' | 'same' | 'ours' | 'foreign';

/** `set-aside` keeps the file of others under {@link asideName}, and then puts ours. */
export type FileStep = 'keep' | 'put' | 'set-aside' | 'refuse';

/** A name of a CNI type is ours, because networks name it. The uninstallation brings a file of others back. */
export function executableStep(found: FoundFile): FileStep {
  if (found === 'same') return 'keep';
  return found === 'foreign' ? 'set-aside' : 'put';
}

/** A configuration of others is how their pods get a network, so it stays. */
export function confStep(found: FoundFile): FileStep {
  if (found === 'same') return 'keep';
  return found === 'foreign' ? 'refuse' : 'put';
}

/** Runtimes take no file whose name begins with a dot for a plugin. */
export function asideName(name: string): string {
  return `.${name}.before-orbweaver`;
}

/** The key of our configurations. Runtimes ignore keys that they do not know (libcni, ConfListFromBytes). */
const MARK = 'orbweaver.io/written-by';

const confSchema = z
  .looseObject({
    name: z.string().min(1),
    type: z.string().optional(),
    plugins: z.array(z.looseObject({ type: z.string() })).optional(),
  })
  .refine(({ type, plugins }) => type !== undefined || (plugins ?? []).length > 0, 'has no plugin');

/**
 * A configuration as the agent writes it: with the mark that it is ours. Throws INPUT_INVALID if a runtime could not read it.
 *
 * @param subject the file that the text is from
 */
export function confText(text: string, subject: string): string {
  const conf = checkJson(confSchema, text, { subject });
  return `${JSON.stringify({ ...conf, [MARK]: 'agent' }, undefined, 2)}\n`;
}

export function isOurConf(text: string): boolean {
  try {
    return Object.hasOwn(Object(JSON.parse(text)) as object, MARK);
  } catch {
    return false;
  }
}
