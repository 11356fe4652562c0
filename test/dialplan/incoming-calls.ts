import type { IncomingCall } from '../../src/dialplan/incoming-call';

/** An INVITE, as far as routes look at it. Header names as a caller wrote them. */
export function incomingCall({
  headers = {},
  ...call
}: Partial<Omit<IncomingCall, 'header'>> & { headers?: Readonly<Record<string, string>> }): IncomingCall {
  return {
    to: '100',
    from: '200',
    fromName: '',
    sipCallId: 'call-1@192.0.2.1',
    sourceAddress: '192.0.2.1',
    header(name) {
      return Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    },
    ...call,
  };
}
