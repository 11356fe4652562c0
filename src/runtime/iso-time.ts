/** `2026-01-05T09:00:00.000Z` for Unix milliseconds. */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** `2026-01-05`: the UTC day of Unix milliseconds. */
export function isoDay(unixMs: number): string {
  return isoTime(unixMs).slice(0, 10);
}
