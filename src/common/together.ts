/**
 * Answers calls that are made in one go, before any of them had time to begin, by one run of `work`. A call
 * that is made later gets a run of its own, so nothing is older than the call that it answers.
 */
export function together<T>(work: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined;
  return () => {
    next ??= Promise.resolve().then(() => {
      next = undefined;
      return work();
    });
    return next;
  };
}
