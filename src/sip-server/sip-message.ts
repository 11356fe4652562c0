import type { HeaderList } from './header-list';

export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  /** As typed; looked into only where it is needed. */
  readonly uri: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export const emptyBody = Buffer.alloc(0);

/** The message as octets, with a Content-Length that is right. */
export function serializeMessage(message: SipMessage): Buffer {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  const lines = [startLine];
  for (const { name, value } of message.headers) {
    if (name.toLowerCase() !== 'content-length') lines.push(`${name}: ${value}`);
  }
  lines.push(`Content-Length: ${message.body.length}`, '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), message.body]);
}
