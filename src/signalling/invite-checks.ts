import { addressLengthMax, hostOfUri, parseNameAddress } from './sip-text';
import { canParse, type SrfRequest } from './srf';
import { headerBytesMax } from './respond';
import type { SipServerKind } from './sip-server-address';

/** Longer ones are no phone's: RFC 3261 makes them of a token and a host. */
const sipCallIdBytesMax = 256;

/** Why a request must not be answered at all; undefined when it may be. */
export type Unanswerable = 'oversized-headers' | 'oversized-call-id' | 'contact-without-host';

/**
 * Requests that the server would choke on if we answered. The sender's own transaction times out, as it would with a
 * server that drops what it cannot take.
 */
export function whyUnanswerable(req: SrfRequest, kind: SipServerKind): Unanswerable | undefined {
  // Every answer repeats these headers.
  const copied = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => req.get(name) ?? '');
  if (Buffer.byteLength(copied.join('')) > headerBytesMax) return 'oversized-headers';
  if (kind === 'embedded') return undefined;
  if (Buffer.byteLength(req.get('Call-ID') ?? '') > sipCallIdBytesMax) return 'oversized-call-id';
  if (makesDialog(req) && !hasContactWithHost(req)) return 'contact-without-host';
  return undefined;
}

/** A name or an address, and nothing that parsers may differ about. */
const plainHost = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9_.-]*)$/;

function makesDialog({ method }: SrfRequest): boolean {
  return method === 'INVITE' || method === 'SUBSCRIBE';
}

/**
 * For its guess at NAT drachtio-server 0.9.10 compares the host of Contact with the source, whatever we answer: without
 * one (`*`, `tel:`) it dies of a null pointer.
 */
function hasContactWithHost(req: SrfRequest): boolean {
  const contact = req.get('Contact');
  // Without the header it compares nothing.
  if (contact === undefined) return true;
  const address = contact.length > addressLengthMax ? undefined : parseNameAddress(contact);
  return address !== undefined && plainHost.test(hostOfUri(address.uri));
}

/** RFC 3261 section 12.1.1 needs these; srf reads them when the 200 is already on its way. */
export function canFormDialog(invite: SrfRequest): boolean {
  const addresses = ['From', 'To', 'Contact'];
  // srf's own parser takes time that grows with the square of the length.
  const readable = addresses.every((name) => {
    const value = invite.get(name) ?? '';
    return value.length <= addressLengthMax && parseNameAddress(value) !== undefined;
  });
  return readable && canParse(invite, addresses);
}

/** The option tags of Require, in lower case. */
export function requiredExtensions(invite: SrfRequest): string[] {
  const names = (invite.get('Require') ?? '').split(',', 20).map((name) => name.trim().toLowerCase());
  return names.filter((name) => /^[a-z0-9.-]{1,40}$/.test(name));
}
