// Waits for a promise until a signal aborts.

/**
 * What `promise` resolves to. Rejects with the signal's reason if the signal aborts first. Removes its listener in both
 * cases.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody waits for the promise then, and its rejection must not end the program.
  if (signal.aborted) promise.catch(() => {});
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const leave = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
