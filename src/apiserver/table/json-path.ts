// The JSONPath of printer columns (Kubernetes: "JSONPath Support"): fields, indexes, wildcards and filters on equality.

import { isObject, type Json } from '../json.ts';

type Step = (value: Json) => Json[];

const TOKEN =
  /\.?\['([^']*)'\]|\.?\["([^"]*)"\]|\[(-?\d+)\]|\.?\[\*\]|\.\*|\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]|\.((?:\\.|[\w$/-])+)/y;

/** Compiles a path. A part that it does not understand matches nothing. */
export function jsonPath(path: string): (value: Json) => Json[] {
  const steps = compile(path.replace(/^\{|\}$/g, ''));
  return (value) => steps.reduce<Json[]>((found, step) => found.flatMap(step), [value]);
}

function compile(path: string): Step[] {
  const steps: Step[] = [];
  // This call needs its own scanner, because it compiles filters in the middle of the scan.
  const scanner = new RegExp(TOKEN, 'y');
  while (scanner.lastIndex < path.length) {
    const found = scanner.exec(path);
    if (found === null) return [() => []];
    steps.push(stepOf(found));
  }
  return steps;
}

function stepOf(found: RegExpExecArray): Step {
  const [text, single, double, index, filter, operator, quoted, apostrophed, bare, field] = found;
  const name = single ?? double ?? field?.replaceAll('\\', '');
  if (name !== undefined)
    return (value) => present(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  if (index !== undefined)
    return (value) => present(Array.isArray(value) ? value.at(Number(index)) : undefined);
  if (filter !== undefined) {
    const inner = jsonPath(filter);
    const wanted = quoted ?? apostrophed ?? bare ?? '';
    const equals = operator === '==';
    return (value) =>
      members(value).filter((item) => inner(item).some((it) => String(it as string) === wanted) === equals);
  }
  return text.includes('*') ? members : () => [];
}

function members(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function present(value: Json | undefined): Json[] {
  return value === undefined ? [] : [value];
}
