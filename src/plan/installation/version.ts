// The order of versions of Orbweaver (Semantic Versioning 2.0.0, section 11).

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Whether `a` precedes `b`. A text that is no version precedes every version. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (left === null || right === null) return left === null && right !== null;
  for (const i of [1, 2, 3]) {
    const difference = Number(left[i]) - Number(right[i]);
    if (difference !== 0) return difference < 0;
  }
  return precedes(left[4], right[4]);
}

/** Whether one pre-release precedes the other. A release follows all its pre-releases. */
function precedes(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  const [left, right] = [a.split('.'), b.split('.')];
  for (const [i, part] of left.entries()) {
    const other = right[i];
    if (other === undefined) return false;
    if (part === other) continue;
    const [number, otherNumber] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (number && otherNumber) return Number(part) < Number(other);
    return number === otherNumber ? part < other : number;
  }
  return left.length < right.length;
}
