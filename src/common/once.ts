/**
 * Calls `work` at the first call of the result, and answers every later call with the same promise. A
 * failure is not kept: the call after one tries again, since a process may live for weeks.
 */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
