import { canonicalAddress } from '../rtp/ip-address';

/** RFC 3264 section 5.1, from the side of whoever wrote the SDP. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One `m=` section (RFC 8866 section 5.14) with what we understand of its attributes. */
export interface SdpMedia {
  /** `audio`, `video`, `image` ... */
  kind: string;
  /** 0 means that the stream is not wanted. */
  port: number;
  /** `RTP/AVP`, `RTP/SAVPF`, `udptl` ... */
  protocol: string;
  /** As written, in order; for RTP they are payload types. */
  formats: string[];
  /** Canonical IP address from the section's own `c=`, or the session's; undefined when there is none that is an IP. */
  address: string | undefined;
  direction: Direction;
  /** `a=rtpmap` by payload type: encoding in upper case with its clock rate, `PCMU/8000`. */
  encodings: Map<number, string>;
  /** `a=fmtp` by payload type. */
  parameters: Map<number, string>;
  /** `a=ptime` and `a=maxptime`, brought into 10 to 60 ms. */
  ptimeMs: number | undefined;
  maxptimeMs: number | undefined;
  /** `a=rtcp` (RFC 3605); undefined means the port after the RTP port. */
  rtcpPort: number | undefined;
}

export interface SessionDescription {
  /** `t=` as written, which an answer repeats (RFC 3264 section 6). */
  timing: string;
  media: SdpMedia[];
}

export type SdpProblem = 'not-sdp' | 'sdp-too-long' | 'sdp-too-many-media';

export const sdpLengthMax = 16_384;
const mediaMax = 16;
const formatsMax = 64;
const lineLengthMax = 1_024;
const ptimeMsMin = 10;
const ptimeMsMax = 60;

/** Reads SDP from a stranger; never throws. Lines and attributes that are not understood are skipped. */
export function parseSdp(text: string): SessionDescription | SdpProblem {
  if (text.length > sdpLengthMax) return 'sdp-too-long';
  const lines = text.split(/\r\n|\n|\r/);
  if (lines[0]?.trimEnd() !== 'v=0') return 'not-sdp';
  const session: SessionDescription = { timing: '0 0', media: [] };
  const defaults: SessionDefaults = { address: undefined, direction: 'sendrecv' };
  let media: SdpMedia | undefined;
  for (const untrimmed of lines) {
    const line = untrimmed.trimEnd();
    if (line === '') continue;
    if (!/^[a-z]=/.test(line)) return 'not-sdp';
    const value = line.length > lineLengthMax ? '' : line.slice(2);
    if (line.startsWith('m=')) {
      if (session.media.length === mediaMax) return 'sdp-too-many-media';
      media = parseMediaLine(value, defaults);
      if (media === undefined) return 'not-sdp';
      session.media.push(media);
    } else if (media !== undefined) {
      readMediaLine(media, line.charAt(0), value);
    } else {
      readSessionLine(session, defaults, line.charAt(0), value);
    }
  }
  return session;
}

interface SessionDefaults {
  address: string | undefined;
  direction: Direction;
}

function readSessionLine(session: SessionDescription, defaults: SessionDefaults, type: string, value: string): void {
  if (type === 't' && /^\d{1,20} \d{1,20}$/.test(value)) session.timing = value;
  else if (type === 'c') defaults.address = parseConnection(value);
  else if (type === 'a') defaults.direction = parseDirection(value) ?? defaults.direction;
}

function readMediaLine(media: SdpMedia, type: string, value: string): void {
  if (type === 'c') media.address = parseConnection(value);
  else if (type === 'a') readAttribute(media, value);
}

/** `audio 49170/2 RTP/AVP 0 8 101`. */
function parseMediaLine(value: string, defaults: SessionDefaults): SdpMedia | undefined {
  const [kind, portText, protocol, ...formats] = value.split(' ').filter((word) => word !== '');
  if (kind === undefined || portText === undefined || protocol === undefined || formats.length === 0) return undefined;
  const port = parsePort(portText.split('/')[0] ?? '');
  // Our answer repeats these words.
  if (port === undefined || !isPrintable(kind + protocol + formats.join(''))) return undefined;
  return {
    kind: kind.toLowerCase(),
    port,
    protocol,
    formats: formats.slice(0, formatsMax),
    address: defaults.address,
    direction: defaults.direction,
    encodings: new Map(),
    parameters: new Map(),
    ptimeMs: undefined,
    maxptimeMs: undefined,
    rtcpPort: undefined,
  };
}

/** `IN IP4 192.0.2.1/127`: the time to live of multicast is cut off. Host names give undefined. */
function parseConnection(value: string): string | undefined {
  const [network, , address] = value.split(' ').filter((word) => word !== '');
  if (network?.toUpperCase() !== 'IN' || address === undefined) return undefined;
  return canonicalAddress(address.split('/')[0] ?? '');
}

function readAttribute(media: SdpMedia, attribute: string): void {
  const colon = attribute.indexOf(':');
  const name = (colon < 0 ? attribute : attribute.slice(0, colon)).toLowerCase();
  const value = colon < 0 ? '' : attribute.slice(colon + 1).trim();
  switch (name) {
    case 'rtpmap':
      readRtpmap(media, value);
      return;
    case 'fmtp':
      readFmtp(media, value);
      return;
    case 'ptime':
      media.ptimeMs = parsePtime(value);
      return;
    case 'maxptime':
      media.maxptimeMs = parsePtime(value);
      return;
    case 'rtcp':
      media.rtcpPort = parsePort(value.split(' ')[0] ?? '');
      return;
    default:
      media.direction = parseDirection(name) ?? media.direction;
  }
}

/** `101 telephone-event/8000`, `0 PCMU/8000/1`. */
function readRtpmap(media: SdpMedia, value: string): void {
  const match = /^(\d{1,3}) +([^\s/]{1,40})\/(\d{1,6})(\/\d{1,3})?$/.exec(value);
  if (match === null || media.encodings.size >= formatsMax) return;
  const [, payloadType = '', encoding = '', rateHz = '', channels] = match;
  const isMono = channels === undefined || channels === '/1';
  media.encodings.set(Number(payloadType), `${encoding.toUpperCase()}/${rateHz}${isMono ? '' : channels}`);
}

function readFmtp(media: SdpMedia, value: string): void {
  const space = value.indexOf(' ');
  if (space < 0 || !/^\d{1,3}$/.test(value.slice(0, space)) || media.parameters.size >= formatsMax) return;
  media.parameters.set(Number(value.slice(0, space)), value.slice(space + 1).trim());
}

/** Absurd values are brought into the range (0, -1 and 1e9 have crashed others); what is no number is left out. */
function parsePtime(value: string): number | undefined {
  const ptimeMs = Number(value === '' ? NaN : value);
  return Number.isNaN(ptimeMs) ? undefined : Math.min(Math.max(ptimeMs, ptimeMsMin), ptimeMsMax);
}

function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function parseDirection(name: string): Direction | undefined {
  const text = name.trim().toLowerCase();
  return directions.find((direction) => direction === text);
}

const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
