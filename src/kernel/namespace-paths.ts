// Where network namespaces can be opened on this node.

import { existsSync, readdirSync } from 'node:fs';

/** Where container runtimes name namespaces, as `ip netns` does. */
const NAMED = '/run/netns';

/**
 * Paths of those with a name, and of those of the processes that this process sees: its own among them. A namespace may
 * have several paths, and any of them may be gone when it is opened.
 */
export function namespacePaths(): string[] {
  const names = existsSync(NAMED) ? readdirSync(NAMED) : [];
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return [...names.map((name) => `${NAMED}/${name}`), ...processes.map((pid) => `/proc/${pid}/ns/net`)];
}
