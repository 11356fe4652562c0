/**
 * `embedded` is ours: it ends the dialogs of a connection that breaks, takes long frames and agrees to session timers by
 * itself. A `drachtio-server` does none of that, and some requests must not even be answered through it.
 */
export type SipServerKind = 'embedded' | 'drachtio-server';

/** Where a SIP server with drachtio-server's admin protocol listens. */
export interface SipServerAddress {
  /** `embedded` unless given. */
  readonly kind?: SipServerKind;
  /** A name or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Set: the admin connection is encrypted; `verify` false takes any certificate. */
  readonly tls?: { readonly verify: boolean };
  /** What drachtio-server may choose an application by. */
  readonly tags?: readonly string[];
}

export type SipLinkErrorCode = 'auth-failed' | 'unreachable' | 'closed';

/** The SIP server could not be used. */
export class SipLinkError extends Error {
  override readonly name = 'SipLinkError';
  constructor(
    readonly code: SipLinkErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** `10.0.0.2:9022`, `[::1]:9022` */
export function nameOfServer({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
