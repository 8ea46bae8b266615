// The test files that need kernel parts which not every kernel has: all that `npm run test:uml` runs, and what `npm test` says is left.

/** Each of them asks kernel-part.ts for what it needs; files.test.ts holds the list against that. */
export const umlFiles: readonly string[] = [
  'src/kernel/link-kinds.root.test.ts',
  'src/node/bond-options.root.test.ts',
  'src/node/parent.root.test.ts',
  'test/e2e/ipvlan.root.test.ts',
  'test/e2e/parents.root.test.ts',
  'test/conformance/ifacer.root.test.ts',
];
