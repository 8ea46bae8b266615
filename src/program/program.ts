// A program from its command line to its end: options, help, and the checks before it does anything else.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { didYouMean, OrbError } from '#base';
import { runToEnd } from './end.ts';

/** The options that every program has besides its own. */
const common = { help: { type: 'boolean', short: 'h', default: false } } as const;

interface Config<Options extends ParseArgsOptionsConfig> {
  readonly options: Options;
  readonly allowPositionals: true;
  readonly strict: true;
}

/** The command line as node:util reads it. */
export type CommandLine<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<Config<Options>>
>;

export interface Program<Options extends ParseArgsOptionsConfig> {
  /** The prefix of its error messages. */
  readonly name: string;
  /** The text of `--help`. */
  readonly usage: string;
  readonly options: Options;
  /** Whether it accepts words that are not options. */
  readonly takesWords?: boolean;
  /** Checks what the options alone do not show, and throws INPUT_INVALID. It has no side effects. */
  readonly check?: (line: CommandLine<Options>) => void;
  /** Resolves with the exit code; none means 0. */
  readonly run: (line: CommandLine<Options>) => Promise<number | undefined>;
}

/** Set by tools/run: the program only checks its command line. So an error shows before packages are installed and programs are built. */
export const onlyChecked = process.env.ORBWEAVER_ONLY_CHECK === '1';

/** Runs a program with the arguments of this process, and ends the process. */
export function runProgram<const Options extends ParseArgsOptionsConfig>(
  program: Program<Options>,
): Promise<never> {
  const { name, usage } = program;
  return runToEnd(name, async () => {
    const argv = process.argv.slice(2);
    if (wantsHelp(argv)) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const line = readCommandLine(program, argv);
    program.check?.(line);
    return onlyChecked ? 0 : await program.run(line);
  });
}

/** This also holds when other arguments are wrong. */
function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}

/** Throws INPUT_INVALID for what the program does not accept. */
export function readCommandLine<const Options extends ParseArgsOptionsConfig>(
  { options, takesWords = false, usage }: Pick<Program<Options>, 'options' | 'takesWords' | 'usage'>,
  args: readonly string[],
): CommandLine<Options> {
  try {
    const line = parseArgs({ args: [...args], options: { ...common, ...options }, allowPositionals: true });
    const [first] = line.positionals;
    if (!takesWords && first !== undefined) throw new Error(`unexpected argument '${first}'`);
    return line as CommandLine<Options>;
  } catch (error) {
    const message = `${wordsOf(error as NodeJS.ErrnoException, [...Object.keys(options), 'help'])}\n${usage}`;
    throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
  }
}

function wordsOf({ code, message }: NodeJS.ErrnoException, known: readonly string[]): string {
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message;
  const option = /'([^']+)'/.exec(message)?.[1] ?? message;
  return `unknown option '${option}'${didYouMean(
    option,
    known.map((name) => `--${name}`),
  )}`;
}

/** Reads an option as a whole number within its bounds; throws INPUT_INVALID otherwise. */
export function wholeNumber(option: string, text: string, from: number, to: number): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= from && number <= to) return number;
  const message = `${option} ${JSON.stringify(text)}: allowed are ${from} to ${to}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
