// libnftables (libnftables(3)) through koffi, loaded when first needed.

import koffi, { type LibraryHandle } from 'koffi';
import { OrbError } from '#base';

const library = 'libnftables.so.1';
/** nftables/libnftables.h: NFT_CTX_OUTPUT_JSON. */
const NFT_CTX_OUTPUT_JSON = 1 << 4;

/** The answer to a run of commands. */
export interface NftAnswer {
  readonly ok: boolean;
  readonly output: string;
  /** What nft would print on its standard error. */
  readonly error: string;
}

/** An open context of libnftables; its answers are JSON. */
export interface NftContext {
  run(commands: string): NftAnswer;
  close(): void;
}

/** Opens a context in the namespace this thread stands in. NFTABLES_MISSING where the library is not installed. */
export function openNftContext(): NftContext {
  const lib = loadLibrary();
  const create: (flags: number) => unknown = lib.func('void *nft_ctx_new(uint32_t flags)');
  const setFlags: (context: unknown, flags: number) => void = lib.func(
    'void nft_ctx_output_set_flags(void *context, uint flags)',
  );
  const bufferOutput: (context: unknown) => number = lib.func('int nft_ctx_buffer_output(void *context)');
  const bufferError: (context: unknown) => number = lib.func('int nft_ctx_buffer_error(void *context)');
  const output: (context: unknown) => string = lib.func(
    'const char *nft_ctx_get_output_buffer(void *context)',
  );
  const error: (context: unknown) => string = lib.func('const char *nft_ctx_get_error_buffer(void *context)');
  const run: (context: unknown, commands: string) => number = lib.func(
    'int nft_run_cmd_from_buffer(void *context, const char *commands)',
  );
  const free: (context: unknown) => void = lib.func('void nft_ctx_free(void *context)');

  const context = create(0);
  if (context === null || bufferOutput(context) !== 0 || bufferError(context) !== 0) {
    throw new OrbError('INTERNAL', { message: `${library} could not make a context` });
  }
  setFlags(context, NFT_CTX_OUTPUT_JSON);
  return {
    run(commands) {
      const ok = run(context, commands) === 0;
      return { ok, output: output(context), error: error(context).trim() };
    },
    close: () => free(context),
  };
}

/** dlopen(3) counts: every later call finds the library loaded. */
function loadLibrary(): LibraryHandle {
  try {
    return koffi.load(library);
  } catch (cause) {
    throw new OrbError('NFTABLES_MISSING', { message: `${library} cannot be loaded`, cause });
  }
}
