import type { SipMessage } from './sip-message';

/** The events of a call for accounting, as drachtio-server names them. */
export type CdrVerb = 'cdr:attempt' | 'cdr:start' | 'cdr:stop';
/** Whether a message of the network's or one of the application's (or our own) caused it. */
export type CdrSource = 'network' | 'application';
export type CdrRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';
export type CdrStopReason =
  'call-rejected' | 'call-canceled' | 'normal-release' | 'session-expired' | 'system-initiated-termination';

/** A step in the life of a call, for accounting. */
export interface CdrEvent {
  readonly verb: CdrVerb;
  readonly source: CdrSource;
  /** The role at the start of a call, the reason at its end; undefined for an attempt. */
  readonly detail: string | undefined;
  /** What caused it. */
  readonly message: SipMessage;
}
