import type { Step } from './sipp-scenario';
import { answer, receiveRequest } from './sipp-scenario';

// A person at sipp who is called by the bridge, step by step.

/** The INVITE, whose caller a later BYE goes to. */
export const calledPerson: Step = [
  '<recv request="INVITE">',
  '<action>',
  '<ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="caller"/>',
  '<ereg regexp="sip:[^;&gt;]*" search_in="hdr" header="Contact:" assign_to="target"/>',
  '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="number"/>',
  '<log message="[$caller] [$target] [$number]"/>',
  '</action>',
  '</recv>',
].join('');

/** An answer to that INVITE, with SDP or without. */
export function personAnswers(status: string, sdp?: string): Step {
  const body =
    sdp === undefined ? ['Content-Length: 0', ''] : ['Content-Type: application/sdp', 'Content-Length: [len]', '', sdp];
  return `<send><![CDATA[${[
    `SIP/2.0 ${status}`,
    ...['Via', 'From'].map((name) => `[last_${name}:]`),
    '[last_To:];tag=person',
    ...['Call-ID', 'CSeq'].map((name) => `[last_${name}:]`),
    'Contact: <sip:person@[local_ip]:[local_port]>',
    ...body,
  ].join('\r\n')}\r\n]]></send>`;
}

export const ringing: Step = [calledPerson, personAnswers('180 Ringing')].join('\n');

/** For whatever the caller hears meanwhile. */
export const letItRing: Step = '<pause milliseconds="1500"/>';

export const refusesWith = (status: string): Step =>
  [ringing, letItRing, personAnswers(status), receiveRequest('ACK')].join('\n');

/** Rings until the bridge gives up. */
export const isCancelled: Step = [
  ringing,
  receiveRequest('CANCEL'),
  // RFC 3261 section 9.2: the CANCEL gets its 200, and the INVITE a 487.
  answer(),
  personAnswers('487 Request Terminated').replace('[last_CSeq:]', 'CSeq: [$number] INVITE'),
  receiveRequest('ACK'),
].join('\n');

export const personTalks = (sdp: string): Step =>
  [ringing, letItRing, personAnswers('200 OK', sdp), receiveRequest('ACK')].join('\n');

export const personHangsUp: Step = [
  '<pause milliseconds="2500"/>',
  `<send retrans="500"><![CDATA[${[
    'BYE [$target] SIP/2.0',
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: <sip:person@[local_ip]:[local_port]>;tag=person',
    'To: [$caller]',
    'Call-ID: [call_id]',
    'CSeq: 1 BYE',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
  ].join('\r\n')}\r\n]]></send>`,
  '<recv response="200"/>',
].join('\n');
