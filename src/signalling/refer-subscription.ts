import type { ReferProgress } from './caller-leg';
import type { SrfRequest } from './srf';

/** One REFER of ours, from its answer to its last NOTIFY (RFC 3515 section 2.4). A NOTIFY may come before the answer. */
export class ReferSubscription {
  readonly #onProgress: (progress: ReferProgress) => void;
  #isOpen = true;
  /** Sequence number of the REFER, which tells its NOTIFYs from those of an earlier one. */
  #id: string | undefined;

  constructor(onProgress: (progress: ReferProgress) => void) {
    this.#onProgress = onProgress;
  }

  onResponse(response: { status: number; get?(name: string): string | undefined }): void {
    this.#id = /^\d{1,10}/.exec(response.get?.('CSeq')?.trim() ?? '')?.[0];
    if (response.status < 300) this.#tell({ kind: 'accepted' });
    else this.#end({ kind: 'refused', status: response.status });
  }

  /** Answers the NOTIFY first: whoever hears how it went may end the dialog. */
  onNotify(notify: SrfRequest, answer: (status: number) => void): void {
    const { status, progress } = this.#read(notify);
    answer(status);
    if (progress === undefined) return;
    const isLast = progress.kind === 'ended' || (progress.kind === 'status' && progress.status >= 200);
    if (isLast) this.#end(progress);
    else this.#tell(progress);
  }

  #read(notify: SrfRequest): { status: number; progress?: ReferProgress } {
    const [event = '', ...params] = (notify.get('Event') ?? '').toLowerCase().split(';', 4);
    if (event.trim() !== 'refer') return { status: 489 };
    const id = params.map((param) => /^\s*id=(\d{1,10})\s*$/.exec(param)?.[1]).find((found) => found !== undefined);
    if (id !== undefined && this.#id !== undefined && id !== this.#id) return { status: 200 };
    const status = statusOf(notify.body ?? '');
    const isOver = /^\s*terminated\b/i.test(notify.get('Subscription-State') ?? '');
    if (isOver && (status === undefined || status < 200)) return { status: 200, progress: { kind: 'ended' } };
    return status === undefined ? { status: 400 } : { status: 200, progress: { kind: 'status', status } };
  }

  /** Nothing more is told. Twice is fine. */
  close(): void {
    this.#isOpen = false;
  }

  #tell(progress: ReferProgress): void {
    if (this.#isOpen) this.#onProgress(progress);
  }

  #end(progress: ReferProgress): void {
    this.#tell(progress);
    this.#isOpen = false;
  }
}

/** The status line of a `message/sipfrag` (RFC 3420). */
function statusOf(body: string): number | undefined {
  const status = /^\s{0,10}SIP\/2\.0 ([1-6]\d\d)(?: |\r|\n|$)/i.exec(body)?.[1];
  return status === undefined ? undefined : Number(status);
}
