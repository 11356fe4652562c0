import type { Timer } from '../runtime/clock';
import type { AgentContext } from './agent-context';
import { parseDecimal } from './scanner';
import { Retransmitter, transactionLimitMs } from './retransmitter';
import type { SipRequest, SipResponse } from './sip-message';
import { serializeMessage } from './sip-message';

/** Reliable provisional responses that may wait for the one before them. */
const queueMax = 4;
/** RFC 3262 section 3: the first RSeq is below 2^31. */
const firstRSeqMax = 0x7fff_ffff;

interface ReliableUser {
  send(response: SipResponse): Buffer | undefined;
  /** No PRACK came in time. */
  onTimeout(): void;
}

interface Provisional {
  readonly response: SipResponse;
  readonly rseq: string;
  /** Whose wish it was that it is reliable: that one answers the PRACK. */
  readonly wantedBy: 'application' | 'ourselves';
}

/** Our reliable provisional responses to one INVITE, one at a time (RFC 3262 section 3). */
export class ReliableProvisionals {
  readonly #context: AgentContext;
  readonly #user: ReliableUser;
  readonly #queue: Provisional[] = [];
  readonly #repeat: Retransmitter;
  #rseq: number;
  #current: Provisional | undefined;
  /** Not repeated any more since there is a final response; its PRACK may be under way. */
  #late: Provisional | undefined;
  #timer: Timer | undefined;

  constructor(context: AgentContext, user: ReliableUser) {
    this.#context = context;
    this.#user = user;
    this.#rseq = Math.floor(context.random.fraction() * (firstRSeqMax / 2));
    this.#repeat = new Retransmitter(context.clock, { capMs: Infinity, resend: () => this.#resend() });
  }

  /** Whether a session description waits for its PRACK: until then there may be no 2xx. */
  get holdsDescription(): boolean {
    return [this.#current, ...this.#queue].some((waiting) => (waiting?.response.body.length ?? 0) > 0);
  }

  /** Sends, or queues behind the one that waits for its PRACK. The octets it is or will be; undefined when too many wait. */
  send(response: SipResponse, wantedBy: 'application' | 'ourselves'): Buffer | undefined {
    if (this.#queue.length >= queueMax) return undefined;
    this.#rseq += 1;
    const rseq = String(this.#rseq);
    response.headers.add('RSeq', rseq);
    const provisional = { response, rseq, wantedBy };
    if (this.#current === undefined) return this.#start(provisional);
    this.#queue.push(provisional);
    return serializeMessage(response);
  }

  /** RAck holds RSeq, CSeq number and method (section 7.2). Tells who answers the PRACK; undefined when it names none. */
  receivePrack(prack: SipRequest, inviteCSeq: number): 'application' | 'ourselves' | undefined {
    const [rseq = '', cseq = '', method] = (prack.headers.first('RAck') ?? '').trim().split(/[ \t]+/);
    if (parseDecimal(cseq, 0xffff_ffff) !== inviteCSeq || method !== 'INVITE') return undefined;
    const late = this.#late;
    if (late?.rseq === rseq) {
      this.#late = undefined;
      return late.wantedBy;
    }
    const current = this.#current;
    if (current?.rseq !== rseq) return undefined;
    this.#halt();
    const next = this.#queue.shift();
    if (next !== undefined) this.#start(next);
    return current.wantedBy;
  }

  /** There is a final response: nothing more is sent or repeated, but the PRACK of what was sent is still good. */
  stop(): void {
    this.#late = this.#current ?? this.#late;
    this.#halt();
    this.#queue.length = 0;
  }

  #start(provisional: Provisional): Buffer | undefined {
    this.#current = provisional;
    this.#repeat.start();
    this.#timer = this.#context.clock.setTimer(transactionLimitMs, () => this.#onTimeout());
    return this.#user.send(provisional.response);
  }

  #halt(): void {
    this.#current = undefined;
    this.#repeat.stop();
    this.#timer?.cancel();
  }

  #resend(): void {
    if (this.#current === undefined) return;
    this.#context.stats.retransmissionsSent += 1;
    this.#user.send(this.#current.response);
  }

  #onTimeout(): void {
    this.#context.stats.prackTimeouts += 1;
    this.stop();
    this.#user.onTimeout();
  }
}
