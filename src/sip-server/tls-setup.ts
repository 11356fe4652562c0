import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { PeerCertificate, SecureContext } from 'node:tls';
import { TLSSocket, checkServerIdentity, connect, createSecureContext } from 'node:tls';
import { messageOf } from '../runtime/errors';

/** What a TLS listener and the connections it opens need. */
export interface TlsOptions {
  /** PEM: our certificate, then those between it and a root. Also shown to servers that ask for one. */
  readonly cert: string;
  /** PEM, without a passphrase. */
  readonly key: string;
  /** PEM: whom to trust in the place of the roots that Node brings. */
  readonly ca?: string;
  /** Whether servers we connect to must prove their name (RFC 5922). Default true. */
  readonly verifyServers?: boolean;
}

/** Who a connection of ours must lead to. */
export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** The name in the URI. Undefined: the certificate must be for the address. */
  readonly serverName: string | undefined;
}

/** TLS of both directions with one certificate. */
export class TlsSetup {
  readonly #context: SecureContext;
  readonly #verifyServers: boolean;

  /** Throws an Error for people when certificate and key cannot be used together. */
  constructor({ cert, key, ca, verifyServers = true }: TlsOptions) {
    this.#context = contextOf({ cert, key, ca });
    this.#verifyServers = verifyServers;
  }

  /** Emits `secure` when the handshake is done, or `error` and `close`. */
  accept(socket: Socket): TLSSocket {
    return new TLSSocket(socket, { isServer: true, secureContext: this.#context });
  }

  /** Emits `secureConnect` when the peer has proved who it is, or `error` and `close`; nothing is written before. */
  connect({ serverName, ...to }: TlsTarget): TLSSocket {
    const named = serverName !== undefined && isIP(serverName) === 0;
    const socket = connect({
      ...to,
      ...(named && { servername: serverName }),
      secureContext: this.#context,
      rejectUnauthorized: this.#verifyServers,
      checkServerIdentity: (host, certificate) =>
        namesSipDomain(certificate, host) ? undefined : checkServerIdentity(host, certificate),
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    return socket;
  }
}

function contextOf({ cert, key, ca }: Pick<TlsOptions, 'cert' | 'key'> & { ca: string | undefined }): SecureContext {
  const certificate = parsed('certificate', () => new X509Certificate(cert));
  const privateKey = parsed('key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('the TLS key does not belong to the certificate');
  return parsed('certificate', () => createSecureContext({ cert, key, ...(ca !== undefined && { ca }) }));
}

function parsed<Part>(what: string, parse: () => Part): Part {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`the TLS ${what} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** A certificate may name a SIP domain as a URI (RFC 5922 section 7.1). */
function namesSipDomain({ subjectaltname }: PeerCertificate, host: string): boolean {
  const names = (subjectaltname ?? '').toLowerCase().split(', ');
  return names.includes(`uri:sip:${host.toLowerCase()}`);
}
