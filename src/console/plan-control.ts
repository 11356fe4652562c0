import type { KeptPlan } from '../dialplan/kept-plans';
import type { PlanInForce, PlanOutcome, PlanRefusal } from '../dialplan/plan-store';

/** What the console shows of the dialplan. */
export interface PlanView {
  /** As the admin wrote it. */
  readonly folder: string;
  readonly inForce: PlanInForce | undefined;
  /** Why the folder's last load changed nothing; undefined when it was well. */
  readonly refusal: PlanRefusal | undefined;
  /** Whether changes of files are loaded by themselves. */
  readonly watching: boolean;
}

/** What the console may do with the dialplan. Nothing here rejects. */
export interface PlanControl {
  view(): PlanView;
  kept(): Promise<readonly KeptPlan[]>;
  reload(cause: 'request'): Promise<PlanOutcome>;
  restore(hash: string): Promise<PlanOutcome | { kind: 'unknown' }>;
}
