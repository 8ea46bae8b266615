// Finds the programs that TypeScript source starts, from its calls. It does not run the source.

import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { programsOf, type Word } from './program-words.ts';

/** A program that some code starts, or a call whose program is unknown. */
export interface Start {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Undefined when the source does not tell the program. */
  readonly program: string | undefined;
}

/** The functions of node:child_process that start programs. */
const starters = new Set(['spawn', 'spawnSync', 'execFile', 'execFileSync']);
/**
 * Functions of the project that start a given program: the files that call them, and the argument where the words begin.
 * The scan reports a function that is missing here, because the scan does not know the program that it starts.
 */
const runners: readonly { readonly name: string; readonly within: RegExp; readonly from: number }[] = [
  {
    name: 'run',
    within:
      /^(src\/(lab|node|cni)(?!\/running-labs)|test\/(e2e|image|kube|uml|conformance(?!\/stress))|bench)\//,
    from: 0,
  },
  { name: 'runSync', within: /^src\/lab\//, from: 0 },
  { name: 'runProgram', within: /^(test|bench)\//, from: 0 },
  { name: 'in', within: /^src\/node\//, from: 1 },
  { name: 'inPod', within: /^test\/e2e\//, from: 0 },
  { name: 'exec', within: /^test\/e2e\/lab-/, from: 1 },
  { name: 'onNode', within: /^test\/e2e\//, from: 0 },
  { name: 'onNode', within: /^src\/lab\//, from: 1 },
  { name: 'inNetnsOf', within: /^src\/lab\//, from: 1 },
  { name: 'complete', within: /^tools\//, from: 1 },
  { name: 'output', within: /^tools\/image\//, from: 0 },
];
/**
 * Programs that these files start without a name in the call, because the caller or the user chooses them.
 * A program that the project itself makes is not listed.
 */
const programsByFile: Readonly<Record<string, readonly string[]>> = {
  'bench/launcher.ts': [],
  'bench/shim.ts': [],
  'src/cli/netns/run.root.test.ts': ['nsenter'],
  'src/kernel/bpf/runtimes.root.test.ts': ['gcc', 'musl-gcc', 'go', 'java', 'python3'],
  'src/lab/trial/golden-table.ts': [],
  'src/lab/kubelet/plugin.ts': [],
  'src/main/agent.ts': [],
  'src/main/orbctl/terminal.ts': ['nsenter'],
  'test/compliance/cluster.ts': ['kubectl'],
  'test/conformance/execution.ts': [],
  // The project's own probe, here or in a namespace.
  'test/e2e/cloud-site.ts': ['ip'],
  'test/e2e/lab-kubectl.root.test.ts': ['kubectl'],
  'test/e2e/program.ts': [],
  'test/e2e/runtime.ts': [],
  'test/kube/bursts.ts': ['nsenter', 'kubectl'],
  'test/kube/node-program.ts': ['nsenter', 'sh'],
  'test/kube/controller-play.ts': [],
  'test/kube/openstack-servers.ts': ['nsenter'],
  'test/kube/traffic.ts': ['nsenter', 'ping', 'sh'],
  'test/monitoring/alerts.test.ts': ['promtool'],
  'test/programs/completion.test.ts': ['bash', 'fish', 'zsh'],
  'test/shim/shim.test.ts': [],
  'test/shim/shim.ts': [],
  'tools/build.ts': ['gcc', 'musl-gcc'],
  'tools/check.ts': ['node', 'biome', 'oxlint', 'depcruise', 'knip'],
};
/** A string that looks like a command line. Other code starts the lines of a test's table. */
const commandLine = { text: /^[a-z][a-z0-9]+ -{1,2}[a-z]/, within: /^(src\/(node|cni|kernel)|test\/e2e)\// };

/** Scans one file. */
export function startsOf(file: string): Start[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const constants = constantsOf(source);
  const found: Start[] = [];
  const visit = (node: ts.Node): void => {
    const add = (programs: readonly (string | undefined)[]) => {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push(...programs.map((program) => ({ file, line, program })));
    };
    if (ts.isCallExpression(node)) add(programsOfCall(node, file, constants));
    else if (ts.isArrayLiteralExpression(node)) add(programsOfList(wordsOf(node, constants)));
    else if (
      ts.isStringLiteralLike(node) &&
      commandLine.within.test(file) &&
      commandLine.text.test(node.text)
    )
      add(programsOf([node.text]));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** A list may contain any words. Only the words after a program that starts another program count. */
function programsOfList(words: readonly Word[]): string[] {
  return words[0] === undefined || /\s/.test(words[0]) ? [] : programsOf(words).slice(1);
}

type Constants = ReadonlyMap<string, ts.Expression>;

/** Initial values by name, because code often names a list of words before it uses it. */
function constantsOf(source: ts.SourceFile): Constants {
  const constants = new Map<string, ts.Expression>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      constants.set(node.name.text, node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return constants;
}

function programsOfCall(call: ts.CallExpression, file: string, constants: Constants): readonly Word[] {
  const name = calleeOf(call);
  const from = starters.has(name) ? 0 : runnerOf(name, file)?.from;
  if (from === undefined) return [];
  const words = call.arguments.slice(from).flatMap((argument) => wordsOf(argument, constants));
  if (words[0] !== undefined) return programsOf(words);
  return starters.has(name) && !isInRunner(call, file) ? (programsByFile[file] ?? [undefined]) : [];
}

function runnerOf(name: string, file: string): (typeof runners)[number] | undefined {
  return runners.find((runner) => runner.name === name && runner.within.test(file));
}

function calleeOf({ expression }: ts.CallExpression): string {
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isPropertyAccessExpression(expression) ? expression.name.text.replace('#', '') : '';
}

/** True inside a function of {@link runners}. The scan looks at the callers of such a function. */
function isInRunner(node: ts.Node, file: string): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    const named = ts.isFunctionLike(at) || ts.isVariableDeclaration(at) ? at.name : undefined;
    if (named !== undefined && runnerOf(named.getText().replace('#', ''), file) !== undefined) return true;
  }
  return false;
}

/** An expression as the words of a command line, as far as the source shows them. */
function wordsOf(expression: ts.Expression, constants: Constants, depth = 0): Word[] {
  const inner = (each: ts.Expression) => (depth > 8 ? [undefined] : wordsOf(each, constants, depth + 1));
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isTemplateExpression(expression)) {
    const text = expression.templateSpans.map(({ literal }) => `VALUE${literal.text}`).join('');
    return [`${expression.head.text}${text}`];
  }
  if (ts.isArrayLiteralExpression(expression)) return expression.elements.flatMap(inner);
  if (
    ts.isSpreadElement(expression) ||
    ts.isAsExpression(expression) ||
    ts.isParenthesizedExpression(expression)
  )
    return inner(expression.expression);
  if (ts.isObjectLiteralExpression(expression)) {
    const argv = expression.properties.find((each) => each.name?.getText() === 'argv');
    return argv !== undefined && ts.isPropertyAssignment(argv) ? inner(argv.initializer) : [];
  }
  if (expression.getText() === 'process.execPath') return ['node'];
  const named = ts.isIdentifier(expression) ? constants.get(expression.text) : undefined;
  return named === undefined ? [undefined] : inner(named);
}
