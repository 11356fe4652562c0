/** Settings, plan or machine do not allow a start; the message is for the person who typed. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

/** An address that is taken or a server that is away is told as one line. */
export async function refused<T>(starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (cause) {
    if (cause instanceof StartRefused) throw cause;
    throw new StartRefused(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
