import type { Report } from './report';

/** From the command line; undefined leaves the choice to the bench. */
export interface BenchOptions {
  seconds: number | undefined;
  calls: number | undefined;
  /** Leave a CPU profile of the bridge. */
  profile: boolean;
  /** The bridge's settings besides its own: those of a FreeSWITCH between it and its callers. */
  env: Readonly<Record<string, string>>;
  /** Where a drachtio-server takes the calls; undefined: the bridge's own SIP server does. */
  sipPort: number | undefined;
}

/** Measures and reports. Rejects when nothing could be measured, never because of a figure. */
export type Bench = (report: Report, options: BenchOptions) => Promise<void>;
