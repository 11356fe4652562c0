/** `2026-01-05T09:00:00.000Z` for Unix milliseconds. */
export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** `2026-01-05`: the UTC day of Unix milliseconds. */
export function isoDay(unixMs: number): string {
  return isoTime(unixMs).slice(0, 10);
}

/** Unix milliseconds of what `isoTime` writes; undefined for any other text. */
export function parseIsoTime(text: string): number | undefined {
  const unixMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(unixMs) ? undefined : unixMs;
}
