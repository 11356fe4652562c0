import type { CallEvent, CallObserver, CallSnapshot } from './call-observer';
import type { EndReason } from './end-reason';

export type AdmissionRefusal = Extract<EndReason, { kind: 'overload' | 'route-full' }>;

/** Who says whether one more call may be up: what counts are the calls of all processes together. */
export interface Admission {
  /**
   * Asked once for each call that would be answered, when its route is known. Undefined: the call has its place, until
   * observers are told that it ended.
   */
  admit(call: CallSnapshot, limits: { routeCallsMax: number | undefined }): Promise<AdmissionRefusal | undefined>;
}

/** The places of calls. It hears of their ends as an observer, so that no count can stay behind a call. */
export class CallLimits implements Admission, CallObserver {
  readonly #callsMax: number;
  /** The route of each call that has a place. */
  readonly #routes = new Map<string, string | undefined>();

  constructor({ callsMax }: { callsMax: number }) {
    this.#callsMax = callsMax;
  }

  /** True when the next call would be refused, whatever its route. */
  get full(): boolean {
    return this.#routes.size >= this.#callsMax;
  }

  admit(
    { callId, route }: CallSnapshot,
    { routeCallsMax }: { routeCallsMax: number | undefined },
  ): Promise<AdmissionRefusal | undefined> {
    if (this.full) return Promise.resolve({ kind: 'overload', message: `${this.#callsMax} calls are up` });
    if (routeCallsMax !== undefined && this.#callsOn(route) >= routeCallsMax) {
      const message = `${routeCallsMax} calls are up on route "${route ?? ''}"`;
      return Promise.resolve({ kind: 'route-full', message });
    }
    this.#routes.set(callId, route);
    return Promise.resolve(undefined);
  }

  onCallEvent(event: CallEvent, { callId }: CallSnapshot): void {
    if (event.kind === 'ended') this.#routes.delete(callId);
  }

  #callsOn(route: string | undefined): number {
    let count = 0;
    for (const one of this.#routes.values()) if (one === route) count += 1;
    return count;
  }
}
