// Programs of other products that serve Services in socket calls, by the names that they give to their BPF programs.

/**
 * Beginnings of names; the kernel keeps 15 bytes of a name. Cilium: bpf/bpf_sock.c, where `cil_` came with 1.12. Calico:
 * the connect-time balancer of felix/bpf-gpl.
 */
const known = ['cil_sock', 'sock4_', 'sock6_', 'calico_'];

/** Those of the programs that belong to such a product. */
export function otherBalancers(names: readonly string[]): string[] {
  return names.filter((name) => known.some((start) => name.startsWith(start)));
}
