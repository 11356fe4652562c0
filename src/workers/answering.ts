import type { CallSnapshot } from '../call/call-observer';
import type { EndReason } from '../call/end-reason';
import type { SupervisionReply, SupervisionRequest } from '../call/supervision-record';
import type { Plan } from '../dialplan/plan';
import type { PlanSource } from '../dialplan/plan-source';
import type { Buckets } from '../observability/buckets-metric';
import type { FreeswitchFigures } from '../observability/freeswitch-metrics';
import type { WayInFigures, WorkerFigures } from '../observability/metrics';
import type { SipServerAddress } from '../signalling/sip-server-address';

/** A plan, and what another process makes the same one of. */
export interface ReadPlan {
  plan: Plan;
  source: PlanSource;
}

/**
 * What answers the calls: this process itself, or workers. It has the links to the SIP server, the calls, their media and
 * the way to the models; who counts, records and limits stands above it.
 *
 * Order: `prepare`, `connect`, then the rest; `close` at any time, twice is fine.
 */
export interface Answering {
  /** For the banner: which model, and why. Known when `connect` has resolved. */
  readonly model: string;
  readonly activeCalls: number;
  /** Empty when this process answers itself. */
  readonly workers: readonly WorkerFigures[];
  /** Rejects with `StartRefused` when the plan asks for a model that cannot be. */
  prepare(read: ReadPlan): Promise<void>;
  /**
   * Resolves when calls are answered. Rejects with an `Error` when no server can be used. `embedded` is the SIP server of
   * this program; undefined: those that the settings name.
   */
  connect(embedded: SipServerAddress | undefined): Promise<void>;
  /** New calls follow this plan, those in progress keep theirs. Rejects, and changes nothing, when it cannot be used. */
  usePlan(read: ReadPlan): Promise<void>;
  /** Calls that have not ended, as of the last `refresh` or a little later. */
  snapshots(): readonly CallSnapshot[];
  /** How late frames left, since the start. */
  lateness(): Buckets;
  /** Requests whose headers were too long for any answer. */
  unanswerable(): number;
  /** Results of tools that came to nothing, by reason. Not known of processes of their own. */
  toolDiscards?(): ReadonlyMap<string, number>;
  /** The connections to SIP servers; empty for workers, which all have one to the parent's. */
  waysIn(): readonly WayInFigures[];
  /** The FreeSWITCH servers between callers and us; empty when there are none. */
  freeswitch(): readonly FreeswitchFigures[];
  /** Brings the figures up to date; resolves soon, whether or not all could be had. */
  refresh(): Promise<void>;
  /** Why no call can be taken now, one sentence each; empty when they can. */
  notReady(): string[];
  /** What is wrong although calls are taken, one sentence each. */
  degraded(): string[];
  /** Lets a supervisor into a call, changes what one does, or sends one away. Never rejects. */
  supervise(request: SupervisionRequest): Promise<SupervisionReply>;
  /** New calls get 503 from here on. */
  refuseCalls(): void;
  /** The same, and resolves when the last call has ended, at the latest after `limitMs`. */
  drain(options: { limitMs: number }): Promise<void>;
  endAll(reason: EndReason): void;
  /** An error that nobody caught: its call ends. False when it belongs to no call here. */
  blameCurrentCall(cause: unknown): boolean;
  close(): Promise<void>;
}
