// The order of resource versions. Kubernetes guarantees it for the versions of one kind (KEP-5504), and etcd's revisions
// have always had it.

/** Whether `a` is before `b`. A version that is no decimal number is before nothing: such a server has another order. */
export function isBefore(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !DECIMAL.test(a) || !DECIMAL.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

const DECIMAL = /^[1-9]\d*$/;
