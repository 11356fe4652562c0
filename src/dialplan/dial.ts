import { fillHeader } from './call-variables';
import type { VariableSource } from './call-variables';
import type { Destination } from './destination';
import { headerLengthMax, hostName } from './destination-schema';
import { defaultCodecs } from './trunk';
import type { Codec, OutboundTrunk, Trunk } from './trunk';

/** How a call to a destination is placed. Every text is safe to stand in a SIP message. */
export interface Dialling {
  /** Request-URI. */
  readonly uri: string;
  /** Where the INVITE goes when that is not the host of `uri`: a SIP URI. */
  readonly proxy: string | undefined;
  /** A whole From value; `localhost` in it stands for our own address. */
  readonly from: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is offered, the preferred first. */
  readonly codecs: readonly Codec[];
  /** How long it may ring. */
  readonly ringLimitMs: number;
}

/**
 * How to call a destination on behalf of a call. A trunk's number for outgoing calls is shown in From and asserted
 * (RFC 3325); without one the caller is shown and nothing is asserted, as a stranger said it. Where we have an account, From
 * is the account, which many a PBX insists on, and the caller is its display name.
 */
export function dial({ target, headers, ringLimitMs }: Destination, source: VariableSource): Dialling {
  const filled = Object.fromEntries(
    Object.entries(headers).map(
      ([name, text]) => [name, cut(fillHeader(text, source).replace(/\p{Cc}/gu, ' '), headerLengthMax)] as const,
    ),
  );
  switch (target.kind) {
    case 'user':
      return {
        uri: `sip:${escapeUser(target.user)}@localhost`,
        proxy: undefined,
        from: callerIdentity(source),
        headers: withoutEmpty(filled),
        codecs: defaultCodecs,
        ringLimitMs,
      };
    case 'number':
    case 'address': {
      const outbound = target.trunk?.outbound;
      return {
        uri: target.kind === 'address' ? target.uri : numberUri(target.number, target.trunk),
        proxy: target.kind === 'address' && outbound !== undefined ? hopUri(outbound) : undefined,
        from: fromOf(outbound, source),
        headers: { ...withoutEmpty(filled), ...identityHeaders(outbound) },
        codecs: outbound?.codecs ?? defaultCodecs,
        ringLimitMs,
      };
    }
  }
}

function numberUri(number: string, { outbound }: Trunk): string {
  return `sip:${escapeUser(number)}@${outbound?.host ?? 'localhost'}${transportParam(outbound)}`;
}

function hopUri(outbound: OutboundTrunk): string {
  return `sip:${outbound.host}${transportParam(outbound)}`;
}

/** UDP is what a URI means without it. */
function transportParam(outbound: OutboundTrunk | undefined): string {
  const { transport = 'udp' } = outbound ?? {};
  return transport === 'udp' ? '' : `;transport=${transport}`;
}

function fromOf(outbound: OutboundTrunk | undefined, source: VariableSource): string {
  const { callerId, digest } = outbound ?? {};
  const domain = digest === undefined || outbound === undefined ? 'localhost' : domainOf(outbound);
  if (callerId !== undefined) return `<sip:${escapeUser(callerId)}@${domain}>`;
  if (digest === undefined) return callerIdentity(source);
  return `${quoted(displayNameOf(source))}<sip:${escapeUser(digest.user.reveal())}@${domain}>`;
}

/** Of an outbound trunk without its port: the domain of the account, as in its registration. */
function domainOf({ host }: OutboundTrunk): string {
  const name = hostName(host);
  return name.includes(':') ? `[${name}]` : name;
}

function identityHeaders(outbound: OutboundTrunk | undefined): Record<string, string> {
  const { callerId, digest } = outbound ?? {};
  if (outbound === undefined || callerId === undefined) return {};
  const domain = digest === undefined ? 'localhost' : domainOf(outbound);
  return { 'P-Asserted-Identity': `<sip:${escapeUser(callerId)}@${domain}>` };
}

/** The caller as a From value (RFC 3323 section 4.1.1.3 for one who withholds the number). */
function callerIdentity(source: VariableSource): string {
  const { from } = source.call;
  if (isAnonymous(from)) return '"Anonymous" <sip:anonymous@anonymous.invalid>';
  return `${quoted(source.call.fromName)}<sip:${escapeUser(from)}@localhost>`;
}

function displayNameOf({ call }: VariableSource): string {
  if (isAnonymous(call.from)) return 'Anonymous';
  return call.fromName === '' ? call.from : call.fromName;
}

function isAnonymous(number: string): boolean {
  return number === '' || number.toLowerCase() === 'anonymous';
}

const nameLengthMax = 80;

/** A display name with the space behind it; empty when there is nothing to show. */
function quoted(name: string): string {
  const text = cut(name.replace(/[\p{Cc}\p{Cs}"\\]/gu, '').trim(), nameLengthMax);
  return text === '' ? '' : `"${text}" `;
}

/** RFC 3261 section 25.1: the user part allows these; anything else is written as octets. */
function escapeUser(user: string): string {
  const text = cut(user, nameLengthMax);
  return text.replace(/[^A-Za-z0-9._~!$&'()*+,=-]/gu, (character) =>
    [...Buffer.from(character)].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** To so many octets, and never through a character. */
function cut(text: string, octetsMax: number): string {
  if (Buffer.byteLength(text) <= octetsMax) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, octetsMax)).replace(/\ufffd+$/, '');
}

/** A variable that has no value leaves no header behind. */
function withoutEmpty(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value.trim() !== ''));
}
