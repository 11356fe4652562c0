/** The text of anything that was thrown, for a log field or an error message. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
