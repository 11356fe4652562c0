import type { Application, CdrEvent } from './application';
import type { Dialog } from './dialog';
import type { SipMessage } from './sip-message';

/** The events of a call for accounting, as drachtio-server names them. */
export type CdrVerb = 'cdr:attempt' | 'cdr:start' | 'cdr:stop';
/** Whether a message of the network's or one of the application's (or our own) caused it. */
export type CdrSource = 'network' | 'application';
export type CdrRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';
export type CdrStopReason =
  'call-rejected' | 'call-canceled' | 'normal-release' | 'session-expired' | 'system-initiated-termination';

/** Tells applications that asked for it when calls are attempted, answered and over. */
export class CdrReporter {
  readonly #select: (verb: CdrVerb) => Application | undefined;
  /** Answered calls: each stops once, and only if it has started. */
  readonly #started = new WeakSet<Dialog>();

  constructor(select: (verb: CdrVerb) => Application | undefined) {
    this.#select = select;
  }

  attempt(source: CdrSource, message: SipMessage): void {
    this.#tell({ verb: 'cdr:attempt', source, detail: undefined, message });
  }

  start(source: CdrSource, role: CdrRole, message: SipMessage): void {
    this.#tell({ verb: 'cdr:start', source, detail: role, message });
  }

  stop(source: CdrSource, reason: CdrStopReason, message: SipMessage): void {
    this.#tell({ verb: 'cdr:stop', source, detail: reason, message });
  }

  startDialog(dialog: Dialog, source: CdrSource, role: 'uac' | 'uas', message: SipMessage): void {
    this.#started.add(dialog);
    this.start(source, role, message);
  }

  stopDialog(dialog: Dialog, source: CdrSource, reason: CdrStopReason, message: SipMessage): void {
    if (this.#started.delete(dialog)) this.stop(source, reason, message);
  }

  #tell(event: CdrEvent): void {
    this.#select(event.verb)?.onCdr(event);
  }
}
