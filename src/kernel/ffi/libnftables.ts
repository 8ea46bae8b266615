// libnftables (libnftables(3)) through koffi, loaded when first needed.

import koffi from 'koffi';
import { OrbError } from '#base';

const LIBRARY = 'libnftables.so.1';
/** nftables/libnftables.h: NFT_CTX_OUTPUT_JSON. */
const NFT_CTX_OUTPUT_JSON = 1 << 4;

/** The result of running commands. */
export interface NftAnswer {
  readonly ok: boolean;
  readonly output: string;
  /** What nft would print on its standard error. */
  readonly error: string;
}

/** An open context of libnftables. Its answers are JSON. */
export interface NftContext {
  run(commands: string): NftAnswer;
  /** On another thread, which is in the namespace of this process. Wait for it before the next call. */
  runElsewhere(commands: string): Promise<NftAnswer>;
  close(): void;
}

interface Library {
  readonly create: (flags: number) => unknown;
  readonly setFlags: (context: unknown, flags: number) => void;
  readonly bufferOutput: (context: unknown) => number;
  readonly bufferError: (context: unknown) => number;
  readonly output: (context: unknown) => string;
  readonly error: (context: unknown) => string;
  readonly run: {
    (context: unknown, commands: string): number;
    readonly async: (
      context: unknown,
      commands: string,
      done: (error: Error | null, code: number) => void,
    ) => void;
  };
  readonly free: { readonly async: (context: unknown, done: (error: Error | null) => void) => void };
}

// The library is loaded once for the process, as modules are. Otherwise each context would cost 0.5 ms.
const loaded: { library?: Library } = {};

/** Opens a context in the namespace of the calling thread. Throws NFTABLES_MISSING if the library is not installed. */
export function openNftContext(): NftContext {
  loaded.library ??= loadLibrary();
  const { create, setFlags, bufferOutput, bufferError, output, error, run, free } = loaded.library;
  const context = create(0);
  if (context === null || bufferOutput(context) !== 0 || bufferError(context) !== 0) {
    throw new OrbError('INTERNAL', { message: `${LIBRARY} could not create a context` });
  }
  setFlags(context, NFT_CTX_OUTPUT_JSON);
  const answer = (code: number): NftAnswer => {
    return { ok: code === 0, output: output(context), error: error(context).trim() };
  };
  return {
    run: (commands) => answer(run(context, commands)),
    runElsewhere: (commands) =>
      new Promise((resolve, reject) => {
        run.async(context, commands, (problem, code) => {
          if (problem === null) resolve(answer(code));
          else reject(problem);
        });
      }),
    // Runs on another thread. After a transaction, closing the socket waits for an RCU grace period (nft_rcv_nl_event).
    // That would block the event loop for 12 ms. nft_ctx_free returns nothing, so it cannot fail.
    close: () => free.async(context, () => {}),
  };
}

function loadLibrary(): Library {
  try {
    const lib = koffi.load(LIBRARY);
    return {
      create: lib.func('void *nft_ctx_new(uint32_t flags)'),
      setFlags: lib.func('void nft_ctx_output_set_flags(void *context, uint flags)'),
      bufferOutput: lib.func('int nft_ctx_buffer_output(void *context)'),
      bufferError: lib.func('int nft_ctx_buffer_error(void *context)'),
      output: lib.func('const char *nft_ctx_get_output_buffer(void *context)'),
      error: lib.func('const char *nft_ctx_get_error_buffer(void *context)'),
      run: lib.func('int nft_run_cmd_from_buffer(void *context, const char *commands)'),
      free: lib.func('void nft_ctx_free(void *context)'),
    };
  } catch (cause) {
    throw new OrbError('NFTABLES_MISSING', { message: `${LIBRARY} cannot be loaded`, cause });
  }
}
