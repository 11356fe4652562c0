/**
 * Like `until`, for what takes seconds: it sleeps between its looks, the longer the more they cost, and leaves the
 * processor to the calls under test.
 */
export async function eventually(
  happened: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 30_000,
): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const lookedMs = performance.now();
    if (await happened()) return;
    const nowMs = performance.now();
    if (nowMs - startMs > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(5, 10 * (nowMs - lookedMs))));
  }
}
