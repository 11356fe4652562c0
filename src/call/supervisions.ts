import type { MediaLeg } from '../media/media-leg';
import type { Dialling } from '../dialplan/dial';
import type { Destination } from '../dialplan/destination';
import type { CallerLeg } from '../signalling/caller-leg';
import type { CallEvent } from './call-observer';
import type { CallerLine } from './caller-line';
import { endOfTalk, type EndReason } from './end-reason';
import { Supervision } from './supervision';
import type { SupervisionOrder, SupervisionRecord, SupervisionReply } from './supervision-record';
import { tellKey } from './tell-key';
import type { TransferServices } from './transfer';

export interface SupervisionsOptions {
  services: TransferServices;
  callId: string;
  leg: CallerLeg;
  media: MediaLeg;
  line: CallerLine;
  /** How a supervisor is called on behalf of this call. */
  dial(destination: Destination): Dialling;
  host: {
    /** The caller was answered, and the call is not ending. */
    isUp(): boolean;
    emit(event: CallEvent): void;
    end(reason: EndReason): void;
    /** Both directions have to come past us, or need not any more. */
    onListening(isOn: boolean): void;
    /** The caller talks to a supervisor from now on: no transfer goes on, no model is needed. */
    onTakeOver(): void;
  };
}

/** On one call's record; those before them stay. */
const recordsMax = 50;

/** The supervisors of one call: one at a time, by name, and only for what the plan lets them do. */
export class Supervisions {
  readonly #options: SupervisionsOptions;
  #current: Supervision | undefined;
  #records: readonly SupervisionRecord[] = [];

  constructor(options: SupervisionsOptions) {
    this.#options = options;
  }

  /** Of the call so far, in order. */
  get records(): readonly SupervisionRecord[] {
    return this.#records;
  }

  /** One is on the call, or is being called. */
  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  get hasTakenOver(): boolean {
    return this.#current?.hasTakenOver === true;
  }

  obey(order: SupervisionOrder): SupervisionReply {
    switch (order.kind) {
      case 'begin':
        return this.#begin(order);
      case 'mode': {
        const current = this.#current;
        if (current === undefined) return { kind: 'refused', why: 'not-supervised' };
        if (!current.mayBe(order.mode)) return { kind: 'refused', why: 'mode-not-allowed' };
        if (current.hasTakenOver) return { kind: 'refused', why: 'taken-over' };
        return { kind: current.change(order.mode) };
      }
      case 'end': {
        const current = this.#current;
        if (current === undefined) return { kind: 'refused', why: 'not-supervised' };
        if (current.hasTakenOver) return { kind: 'refused', why: 'taken-over' };
        current.end('request');
        return { kind: 'done' };
      }
    }
  }

  /** A key of the caller; false when it is not for a supervisor. */
  onDigit(key: string): boolean {
    if (!this.hasTakenOver) return false;
    this.#current?.sendDigit(key);
    return true;
  }

  /** The call is over. Twice is fine. */
  close(): void {
    this.#current?.end('call');
  }

  #begin({ destination, mode }: Extract<SupervisionOrder, { kind: 'begin' }>): SupervisionReply {
    const { services, callId, media, leg, line, host } = this.#options;
    if (destination.supervises === undefined) return { kind: 'refused', why: 'not-a-supervisor' };
    if (!destination.supervises.includes(mode)) return { kind: 'refused', why: 'mode-not-allowed' };
    if (!host.isUp()) return { kind: 'refused', why: 'call-not-up' };
    if (this.#current !== undefined) return { kind: 'refused', why: 'supervised-already' };
    const at = Math.min(this.#records.length, recordsMax - 1);
    const supervision: Supervision = new Supervision({
      services,
      callId,
      callerRateHz: media.rateHz,
      line,
      destination,
      dialling: this.#options.dial(destination),
      mode,
      host: {
        onChange: (change, record) => {
          if (supervision.isOver) this.#current = undefined;
          this.#records = this.#records.toSpliced(at, 1, record);
          host.emit({ kind: 'supervision', change, ...record });
        },
        onListening: (isOn) => host.onListening(isOn),
        onTakeOver: () => {
          line.agent?.close();
          line.fillSilence(undefined);
          host.onTakeOver();
        },
        onKey: (key) => tellKey({ media, leg }, key),
        onEnded: (name, failure) => host.end(endOfTalk(name, failure)),
      },
    });
    this.#current = supervision;
    supervision.begin();
    return { kind: 'done' };
  }
}
