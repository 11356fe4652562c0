/** What `work` returns or throws, as a promise: for a port that is asynchronous when this side of it is not. */
export function settled<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
