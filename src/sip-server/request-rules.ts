import type { Essentials } from './essentials';
import { listValues, optionTags, parseNameAddr } from './header-values';
import { parseDecimal } from './scanner';
import type { SipRequest } from './sip-message';
import type { SipServerStats } from './stats';
import type { SipUri, UriFault } from './uri';
import { parseSipUri, plainUri } from './uri';

/** Where we do more for the application than drachtio-server does; each can be turned off. */
export interface RequestRules {
  /** 405 for a method that no connected application routes. False: 503, as from drachtio-server. */
  readonly refuseUnroutedMethods: boolean;
  /** 400 for a REGISTER whose To is no SIP address. */
  readonly refuseForeignRegistrations: boolean;
  /** What a request may require; anything else gets 420. `any`: all is left to the application. */
  readonly extensions: readonly string[] | 'any';
  /** Media types of INVITE bodies, `type/subtype` or `type/*`; others get 415. `any`: left to the application. */
  readonly inviteContentTypes: readonly string[] | 'any';
  /** 406 for an INVITE whose Accept has no room for SDP. */
  readonly refuseWithoutSdpAnswer: boolean;
}

export const defaultRequestRules: RequestRules = {
  refuseUnroutedMethods: true,
  refuseForeignRegistrations: true,
  extensions: ['100rel', 'replaces', 'timer'],
  inviteContentTypes: ['application/sdp', 'multipart/*'],
  refuseWithoutSdpAnswer: true,
};

/** Why a request is refused before anyone sees it. */
export interface RequestFault {
  readonly status: 400 | 405 | 406 | 414 | 415 | 416 | 420 | 501;
  readonly reason: string;
  /** Goes into the refusal. */
  readonly headers: readonly (readonly [string, string])[];
  readonly counter: keyof SipServerStats;
}

/** Methods that we know; another is not implemented (501), one of these may be not allowed (405). */
export const knownMethods: ReadonlySet<string> = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'PRACK', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'INFO'],
  ...['REFER', 'MESSAGE', 'UPDATE'],
]);
/** These belong to a transaction or dialog; without it they get 481, whoever is connected. */
const dependentMethods = new Set(['ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE']);
/** Their bodies describe a session, and their Contact becomes the remote target. */
const sessionMethods = new Set(['INVITE', 'UPDATE']);
const targetMethods = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE']);

/** What such a request is about: of two values the application might believe the other one. */
const meaningHeaders = new Map([
  ['SUBSCRIBE', ['Event']],
  ['NOTIFY', ['Event', 'Subscription-State']],
  ['PRACK', ['RAck']],
]);

/**
 * What is wrong with a request whose essentials are well formed, in the order of RFC 3261 section 8.2; undefined when it
 * may be processed. `routed`: the methods that applications want, in upper case; `any` where that is not for us to know.
 * Merged requests (section 8.2.2.2) are the transaction layer's to know, 481 the dialogs' and 483 the proxy's.
 */
export function findRequestFault(
  request: SipRequest,
  essentials: Essentials,
  { rules, routed }: { rules: RequestRules; routed: readonly string[] | 'any' },
): RequestFault | undefined {
  // An ACK is never answered, and one with faults still ends retransmissions.
  if (request.method === 'ACK') return undefined;
  if (request.method === 'CANCEL') return findMalformed(request, essentials);
  const methodFault = findMethodFault(request, essentials, { rules, routed });
  // A method that nobody knows may have rules of its own, so it is not judged by the common ones.
  if (methodFault?.status === 501) return methodFault;
  return (
    findMalformed(request, essentials) ??
    methodFault ??
    findAddressFault(request, essentials, rules) ??
    findExtensionFault(request, rules) ??
    findContentFault(request, rules) ??
    findAnswerFault(request, rules)
  );
}

/** Section 8.2.1. Inside a dialog, which of the methods that we know are wanted is left to its application. */
function findMethodFault(
  { method }: SipRequest,
  { toTag }: Essentials,
  { rules, routed }: { rules: RequestRules; routed: readonly string[] | 'any' },
): RequestFault | undefined {
  if (routed === 'any' || dependentMethods.has(method) || routed.includes(method)) return undefined;
  if (!knownMethods.has(method)) {
    return { status: 501, reason: 'Not Implemented', headers: [], counter: 'refusedUnknownMethod' };
  }
  // Without any application the service is away, not the method.
  if (routed.length === 0 || toTag !== undefined || !rules.refuseUnroutedMethods) return undefined;
  const headers = [['Allow', allowedMethods(routed).join(', ')]] as const;
  return { status: 405, reason: 'Method Not Allowed', headers, counter: 'refusedMethod' };
}

/** Who takes calls takes what belongs to them. */
function allowedMethods(routed: readonly string[]): string[] {
  return [...new Set([...routed, ...(routed.includes('INVITE') ? dependentMethods : [])])];
}

/** What sections 8.1.1 and 20 ask of every request. */
function findMalformed(request: SipRequest, { cseq }: Essentials): RequestFault | undefined {
  const { method, headers } = request;
  if (cseq.method !== method) return malformed('CSeq Method Mismatch');
  const maxForwards = headers.first('Max-Forwards');
  if (maxForwards !== undefined && parseDecimal(maxForwards, 255) === undefined) return malformed('Bad Max-Forwards');
  if (method === 'CANCEL') return undefined;
  const target = parseSipUri(request.uri);
  if (target === 'uri-too-long') return { ...malformed('Request-URI Too Long'), status: 414 };
  if (target === 'uri-malformed' || hasHeaders(target)) return malformed('Bad Request-URI');
  if (!isContactUsable(request)) return malformed('Bad Contact');
  return areRoutesReadable(request) ? undefined : malformed('Bad Record-Route');
}

/** Why an application that wants the request could not know what it means; undefined when it could. */
export function findUnclear({ method, headers }: SipRequest): string | undefined {
  const repeated = (meaningHeaders.get(method) ?? []).find((name) => headers.all(name).length > 1);
  if (repeated !== undefined) return `Repeated ${repeated}`;
  // RFC 3515 section 2.4.2.
  return method === 'REFER' && listValues(headers, 'Refer-To').length !== 1 ? 'Bad Refer-To' : undefined;
}

/** Ours and the application's requests in the dialog would carry them on. */
function areRoutesReadable({ method, headers }: SipRequest): boolean {
  if (!targetMethods.has(method)) return true;
  return listValues(headers, 'Record-Route').every((route) => route === '' || parseNameAddr(route) !== undefined);
}

/** Header fields in a Request-URI (section 19.1.1) would be somebody's attempt to have us apply them. */
function hasHeaders(target: SipUri | UriFault): boolean {
  return typeof target !== 'string' && target.headers !== '';
}

/** A dialog needs one SIP URI to send its requests to (section 8.1.1.8). None at all is the application's affair. */
function isContactUsable({ method, headers }: SipRequest): boolean {
  const contacts = listValues(headers, 'Contact');
  if (method === 'REGISTER' && contacts.length === 1 && contacts[0] === '*') return true;
  const uris = contacts.map((contact) => parseNameAddr(contact)?.uri);
  if (uris.includes(undefined)) return false;
  if (!targetMethods.has(method)) return true;
  return uris.length <= 1 && uris.every((uri) => uri !== undefined && typeof parseSipUri(uri) !== 'string');
}

/** Section 8.2.2.1, and section 10.3 for the address that a REGISTER binds; what an application could not read of a SUBSCRIBE. */
function findAddressFault(
  { method, uri, headers }: SipRequest,
  { toTag }: Essentials,
  rules: RequestRules,
): RequestFault | undefined {
  if (parseSipUri(uri) === 'uri-scheme-unknown') {
    return { status: 416, reason: 'Unsupported URI Scheme', headers: [], counter: 'refusedScheme' };
  }
  const bound = parseNameAddr(headers.first('To') ?? '')?.uri ?? '';
  // Inside a dialog it is replaced by what the dialog has.
  if (method === 'SUBSCRIBE' && toTag === undefined && plainUri(bound) === undefined) return malformed('Bad To');
  if (method !== 'REGISTER' || !rules.refuseForeignRegistrations) return undefined;
  return typeof parseSipUri(bound) === 'string' ? malformed('Bad Address Of Record') : undefined;
}

/** Section 8.2.2.3. */
function findExtensionFault({ headers }: SipRequest, { extensions }: RequestRules): RequestFault | undefined {
  if (extensions === 'any') return undefined;
  const unknown = listValues(headers, 'Require').filter((tag) => tag !== '' && !extensions.includes(tag.toLowerCase()));
  if (unknown.length === 0) return undefined;
  const unsupported = [['Unsupported', unknown.join(', ')]] as const;
  return { status: 420, reason: 'Bad Extension', headers: unsupported, counter: 'refusedExtension' };
}

/** Section 8.2.3. A body that may be ignored (section 20.11) is never refused. */
function findContentFault(request: SipRequest, { inviteContentTypes: types }: RequestRules): RequestFault | undefined {
  const { method, headers, body } = request;
  if (types === 'any' || !sessionMethods.has(method) || body.length === 0) return undefined;
  if (/;\s*handling\s*=\s*optional/i.test(headers.first('Content-Disposition') ?? '')) return undefined;
  const refusal = { status: 415, reason: 'Unsupported Media Type', counter: 'refusedContent' } as const;
  if (optionTags(headers, 'Content-Encoding').some((encoding) => encoding !== 'identity')) {
    return { ...refusal, headers: [['Accept-Encoding', 'identity']] };
  }
  const type = mediaTypeOf(headers.first('Content-Type') ?? 'application/sdp');
  if (types.some((accepted) => isInRange(type, accepted))) return undefined;
  return { ...refusal, headers: [['Accept', types.join(', ')]] };
}

/** Section 20.1: without Accept, SDP is understood. */
function findAnswerFault({ method, headers }: SipRequest, rules: RequestRules): RequestFault | undefined {
  if (!rules.refuseWithoutSdpAnswer || method !== 'INVITE' || !headers.has('Accept')) return undefined;
  const isSdp = (range: string): boolean => isInRange('application/sdp', mediaTypeOf(range)) && !isExcluded(range);
  if (listValues(headers, 'Accept').some(isSdp)) return undefined;
  return { status: 406, reason: 'Not Acceptable', headers: [], counter: 'refusedUnacceptable' };
}

/** `type/subtype` in lower case, without parameters and space. */
function mediaTypeOf(value: string): string {
  const end = value.indexOf(';');
  const type = (end === -1 ? value : value.slice(0, end)).toLowerCase();
  return type.includes(' ') || type.includes('\t') ? type.replaceAll(/[ \t]/g, '') : type;
}

/** A media range with the quality 0 is what the peer does not want. */
function isExcluded(range: string): boolean {
  return /;\s*q\s*=\s*0(\.0*)?\s*(;|$)/i.test(range);
}

function isInRange(type: string, range: string): boolean {
  if (range === type) return true;
  return range.endsWith('*') && (range === '*/*' || range === '*' || range === `${type.split('/', 1)[0] ?? ''}/*`);
}

function malformed(reason: string): RequestFault {
  return { status: 400, reason, headers: [], counter: 'refusedMalformed' };
}
