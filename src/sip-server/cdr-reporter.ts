import type { Application } from './application';
import type { CdrEvent, CdrRole, CdrSource, CdrStopReason, CdrVerb } from './cdr-event';
import type { Dialog } from './dialog';
import type { SipMessage } from './sip-message';

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
