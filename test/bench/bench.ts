import type { Report } from './report';

/** From the command line; undefined leaves the choice to the bench. */
export interface BenchOptions {
  seconds: number | undefined;
  calls: number | undefined;
  /** Leave a CPU profile of the bridge. */
  profile: boolean;
}

/** Measures and reports. Rejects when nothing could be measured, never because of a figure. */
export type Bench = (report: Report, options: BenchOptions) => Promise<void>;
