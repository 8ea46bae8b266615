// Every error of the product in one table: `npm run gen` makes docs/errors.md of it.

/** One kind of failure. */
export interface ErrorKind {
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What the user can do. */
  readonly advice: string;
  /** The CNI error code (CNI specification 1.1, section "Error"; 100 and above are ours). */
  readonly cni: number;
}

/** Keyed by stable code: a code is never renamed or used again for something else. */
export const errorTable = {
  FRAME_DAMAGED: {
    meaning: 'What came over the socket between the CNI executable and the agent, or lay in the DEL queue, is no frame.',
    advice: 'Check that the executables in the CNI folder and the agent are of releases that follow one another.',
    cni: 11,
  },
  INPUT_INVALID: {
    meaning: 'A value does not have the form that its field asks for.',
    advice: 'Correct the field that the message names.',
    cni: 7,
  },
  INTERNAL: {
    meaning: 'A rule of the program itself was broken.',
    advice: 'Report it with the log of the request.',
    cni: 999,
  },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorTable;
