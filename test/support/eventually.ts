/** Like `until`, for what takes seconds: it sleeps between its looks and leaves the processor to the calls under test. */
export async function eventually(
  happened: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 30_000,
): Promise<void> {
  const startMs = performance.now();
  while (!(await happened())) {
    if (performance.now() - startMs > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
