/** Waits, turn by turn of the event loop, for something that real sockets bring about; the deadline is generous. */
export async function until(happened: () => boolean, what: string, deadlineMs = 15_000): Promise<void> {
  const startMs = performance.now();
  while (!happened()) {
    if (performance.now() - startMs > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
