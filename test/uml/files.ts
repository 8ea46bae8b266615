// The test files that need kernel parts which some kernels lack. `npm run test:uml` runs them, and `npm test` reports them as left out.

/** Each file asks kernel-part.ts for the parts that it needs. files.test.ts compares the list with these files. */
export const umlFiles: readonly string[] = [
  'src/kernel/link-kinds.root.test.ts',
  'src/node/bond-options.root.test.ts',
  'src/node/parent.root.test.ts',
  'src/cni/eni-vlan/eni-vlan.root.test.ts',
  'test/e2e/eni-provider.root.test.ts',
  'test/e2e/eni-vlan.root.test.ts',
  'test/e2e/ipvlan.root.test.ts',
  'test/e2e/parents.root.test.ts',
  'test/e2e/veth-host.root.test.ts',
  'test/conformance/eni-vlan.root.test.ts',
  'test/conformance/ifacer.root.test.ts',
];
