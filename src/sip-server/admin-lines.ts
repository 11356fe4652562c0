import type { IncomingEvent, ResponseEvent, Sent } from './application';
import type { CdrEvent } from './cdr-event';
import type { Flow } from './transport';

/**
 * The meta lines of the admin protocol, token by token as drachtio-server 0.9.10 writes them. Every line begins with an
 * id of its own; `time` is UTC as HH:MM:SS.uuuuuu.
 */
export interface LineStamp {
  readonly id: string;
  readonly time: string;
}

/** A message that came, or was made in the place of one that did not. */
interface Received {
  readonly bytes: number;
  readonly flow: Flow | undefined;
}

export function replyLine(
  id: string,
  commandId: string,
  outcome: 'OK' | 'NO' | 'NOK',
  extra: readonly string[],
): string {
  return [id, 'response', commandId, outcome, ...extra].join('|');
}

/** A request was sent for the application. */
export function requestSentLine({ id, time }: LineStamp, commandId: string, sent: Sent): string {
  const { bytes, flow, transactionId } = sent;
  const where =
    flow === undefined
      ? ['0', 'unknown', '', '']
      : [String(bytes.length), flow.transport.name, flow.transport.address, String(flow.transport.port)];
  return replyLine(id, commandId, 'OK', ['application', ...where, time, transactionId, 'Msg sent:', '']);
}

/** A response was sent for the application. The protocol is told for INVITEs only. */
export function responseSentLine({ id, time }: LineStamp, commandId: string, sent: Sent): string {
  const { bytes, flow, transactionId, dialogId = '', method } = sent;
  const protocol = method === 'INVITE' ? (flow?.transport.name ?? '') : '';
  const where = [String(bytes.length), protocol, flow?.remoteAddress ?? '', String(flow?.remotePort ?? '')];
  return replyLine(id, commandId, 'OK', ['application', ...where, time, transactionId, dialogId, '', 'Msg sent:', '']);
}

/** A target's final answer to a proxied request; more may follow. */
export function proxyResultLine({ id, time }: LineStamp, commandId: string, { bytes, flow }: Received): string {
  const where = [String(bytes), flow?.transport.name ?? '', flow?.remoteAddress ?? '', String(flow?.remotePort ?? 0)];
  return replyLine(id, commandId, 'OK', ['network', ...where, time, '', '', 'continue']);
}

/** A step of a call's life. */
export function cdrLine({ id, time }: LineStamp, { verb, source, detail }: CdrEvent): string {
  return [id, verb, source, time, ...(detail === undefined ? [] : [detail])].join('|');
}

/** A new request outside dialogs. The two tokens after the dialog's tell which listener it came in on. */
export function newRequestLine(stamp: LineStamp, { arrival, transactionId }: IncomingEvent): string {
  const { flow, bytes } = arrival;
  const receivedOn = `${flow.transport.address}|${flow.transport.port}|`;
  return `${networkLine(stamp, { bytes, flow, transactionId, dialogId: '' })}${receivedOn}`;
}

/** A request in a dialog, or a CANCEL. */
export function dialogRequestLine(stamp: LineStamp, { arrival, transactionId, dialogId = '' }: IncomingEvent): string {
  return networkLine(stamp, { bytes: arrival.bytes, flow: arrival.flow, transactionId, dialogId });
}

/** The ACK for a 2xx. */
export function ackLine(stamp: LineStamp, { arrival, transactionId, dialogId = '' }: IncomingEvent): string {
  const { bytes, flow } = arrival;
  return networkLine(stamp, { bytes, flow, transactionId, dialogId, protocol: '' });
}

/** A response; one that we made ourselves has no address and port 0. */
export function responseLine(stamp: LineStamp, event: ResponseEvent, bytes: number, protocol: string): string {
  const { from, transactionId, dialogId = '' } = event;
  return networkLine(stamp, { bytes: from?.bytes ?? bytes, flow: from?.flow, transactionId, dialogId, protocol });
}

/** A BYE that we sent of our own accord. */
export function endedLine({ id, time }: LineStamp, dialogId: string, { bytes, flow }: Sent): string {
  const where = [flow?.transport.name ?? '', flow?.remoteAddress ?? '', String(flow?.remotePort ?? 0)];
  return [id, 'sip', 'application', String(bytes.length), ...where, time, 'unsolicited', dialogId, ''].join('|');
}

/** Wall-clock time of day, UTC. The clock counts milliseconds, so the last three digits are 0. */
export function formatTimeOfDay(wallTimeMs: number): string {
  const ms = Math.floor(wallTimeMs) % 86_400_000;
  const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const seconds = Math.floor(ms / 1_000);
  const clock = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => pad(part, 2));
  return `${clock.join(':')}.${pad(ms % 1_000, 3)}000`;
}

function networkLine(
  { id, time }: LineStamp,
  event: { bytes: number; flow: Flow | undefined; transactionId: string; dialogId: string; protocol?: string },
): string {
  const { bytes, flow, transactionId, dialogId, protocol = flow?.transport.name ?? '' } = event;
  const where = [protocol, flow?.remoteAddress ?? '', String(flow?.remotePort ?? 0)];
  return [id, 'sip', 'network', String(bytes), ...where, time, transactionId, dialogId, ''].join('|');
}
