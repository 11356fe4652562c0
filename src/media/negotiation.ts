import type { G711Law } from '../audio/g711';
import { addressScope } from '../rtp/ip-address';
import { OfferRefused, type OfferedCodec } from './media-leg';
import { parseSdp, type Direction, type SdpMedia, type SessionDescription } from './sdp';

/** What a payload type means on a leg. */
export type PayloadKind = G711Law | 'telephone-event' | 'comfort-noise';

/** What both sides agreed on, in our words. */
export interface NegotiatedAudio {
  /** Where the caller says its media is; undefined when it gave a zero address (an old way to say hold). */
  remote: { address: string; port: number; rtcpPort: number } | undefined;
  law: G711Law;
  /** Of `law`, on packets that we send. */
  payloadType: number;
  /** Of telephone-event on packets that we send; undefined: we cannot send keys. */
  eventPayloadType: number | undefined;
  /** What the payload types of packets that we get mean. */
  receive: ReadonlyMap<number, PayloadKind>;
  /** Whether the caller wants to hear us, and whether it will send. */
  sending: boolean;
  receiving: boolean;
  /** The caller has put us on hold: `sendonly`, `inactive` or a zero address. */
  onHold: boolean;
  /** The caller's packet time, which we receive whatever it is; we always send 20 ms. */
  ptimeMs: number | undefined;
}

/** How we appear in SDP. */
export interface LocalMedia {
  /** What the caller is told: the public address behind NAT, else the local one. */
  address: string;
  port: number;
}

/** A payload type and its encoding, `PCMU/8000` or such. */
export type OfferedFormat = readonly [payloadType: number, encoding: string];

interface LocalDescriptionOptions {
  local: LocalMedia;
  sessionId: number;
  offered?: readonly OfferedFormat[];
}

/** Payload types as RFC 3551 has them, and a dynamic one for Opus (RFC 7587). */
const formatsOfCodecs: Readonly<Record<OfferedCodec, OfferedFormat>> = {
  pcmu: [0, 'PCMU/8000'],
  pcma: [8, 'PCMA/8000'],
  g722: [9, 'G722/8000'],
  g729: [18, 'G729/8000'],
  opus: [96, 'opus/48000/2'],
};

const bothLaws: readonly OfferedFormat[] = [formatsOfCodecs.pcmu, formatsOfCodecs.pcma];

/** The formats of an offer, each once. */
export function formatsOf(codecs: readonly OfferedCodec[]): OfferedFormat[] {
  return [...new Set(codecs)].map((codec) => formatsOfCodecs[codec]);
}

/** Those of them that our own RTP speaks. */
export function g711FormatsOf(codecs: readonly OfferedCodec[]): OfferedFormat[] {
  return formatsOf(codecs.filter((codec) => codec === 'pcmu' || codec === 'pcma'));
}

/** Our side of one session's SDP: it keeps the origin line, whose version counts our changes (RFC 3264 section 8). */
export class LocalDescription {
  readonly #local: LocalMedia;
  readonly #sessionId: number;
  readonly #offered: readonly OfferedFormat[];
  #version = 0;
  #body = '';

  /** `sessionId` is a random whole number below 2^53; `offered`: what `offer` lists beside telephone-event, both laws unless given. */
  constructor({ local, sessionId, offered = bothLaws }: LocalDescriptionOptions) {
    this.#local = local;
    this.#sessionId = sessionId;
    this.#offered = offered;
  }

  offer(): string {
    const formats = [...this.#offered.map(([payloadType]) => payloadType), ourEventPayloadType];
    const lines = [
      `m=audio ${this.#local.port} RTP/AVP ${formats.join(' ')}`,
      ...this.#offered.map(([payloadType, encoding]) => `a=rtpmap:${payloadType} ${encoding}`),
      ...encodingLines([[ourEventPayloadType, 'telephone-event']]),
      `a=ptime:${sentPtimeMs}`,
      'a=sendrecv',
    ];
    return this.#render('0 0', lines);
  }

  /** Our answer to an offer in which `choice` was found. */
  answer(offer: SessionDescription, choice: OfferChoice): string {
    const lines = offer.media.flatMap((media) => (media === choice.media ? this.#accepted(choice) : [rejected(media)]));
    return this.#render(offer.timing, lines);
  }

  #accepted({ media, formats, audio }: OfferChoice): string[] {
    return [
      `m=audio ${this.#local.port} ${media.protocol} ${formats.map(([payloadType]) => payloadType).join(' ')}`,
      ...encodingLines(formats),
      `a=ptime:${sentPtimeMs}`,
      `a=${directionOf(audio)}`,
    ];
  }

  #render(timing: string, mediaLines: readonly string[]): string {
    const family = this.#local.address.includes(':') ? 'IP6' : 'IP4';
    const connection = `IN ${family} ${this.#local.address}`;
    const body = ['s=-', `c=${connection}`, `t=${timing}`, ...mediaLines, ''].join('\r\n');
    if (body !== this.#body) this.#version += 1;
    this.#body = body;
    return `v=0\r\no=- ${this.#sessionId} ${this.#version} ${connection}\r\n${body}`;
  }
}

/** The stream of an offer that we accept. */
export interface OfferChoice {
  media: SdpMedia;
  audio: NegotiatedAudio;
  /** What our answer lists: what we understand, in the offerer's order, with the offerer's payload types. */
  formats: readonly Format[];
}

type Format = readonly [payloadType: number, kind: PayloadKind];

/** Reads a description. Throws `OfferRefused` (400) when it is no SDP. */
export function readDescription(text: string): SessionDescription {
  const session = parseSdp(text);
  if (typeof session === 'string') throw new OfferRefused(400, session);
  return session;
}

/** The first usable G.711 stream. Throws `OfferRefused` (488) when there is none. `family`: that of our own address. */
export function chooseAudio(offer: SessionDescription, family: 'IP4' | 'IP6'): OfferChoice {
  let problem = 'no audio stream';
  for (const media of offer.media) {
    const choice = readAudio(media, family);
    if (typeof choice !== 'string') return choice;
    if (media.kind === 'audio') problem = choice;
  }
  throw new OfferRefused(488, problem);
}

/** The answer to our own offer. Throws `OfferRefused` (488) when it leaves nothing that we can use. */
export function readAnswer(answer: SessionDescription, family: 'IP4' | 'IP6'): NegotiatedAudio {
  const { audio } = chooseAudio(answer, family);
  // The answerer should repeat our payload type for telephone-event and may send it even if it lists another.
  const receive = new Map(audio.receive);
  if (!receive.has(ourEventPayloadType)) receive.set(ourEventPayloadType, 'telephone-event');
  return { ...audio, receive };
}

/** Packets that we send are this long, whatever was asked for. */
const sentPtimeMs = 20;
const ourEventPayloadType = 101;

function readAudio(media: SdpMedia, family: 'IP4' | 'IP6'): OfferChoice | string {
  if (media.kind !== 'audio' || media.port === 0) return 'no audio stream';
  if (media.protocol.toUpperCase() !== 'RTP/AVP') return 'only RTP/AVP is supported';
  if (media.address === undefined) return 'no usable media address';
  const scope = addressScope(media.address);
  if (scope === 'unusable') return 'no usable media address';
  const isZero = scope === 'unspecified';
  if (!isZero && media.address.includes(':') !== (family === 'IP6')) return 'the media address is of the wrong family';
  const formats = supportedFormats(media);
  const codec = formats.find((format): format is readonly [number, G711Law] => isG711(format[1]));
  if (codec === undefined) return 'no G.711 codec';
  const { direction } = media;
  const audio: NegotiatedAudio = {
    remote: isZero ? undefined : { address: media.address, port: media.port, rtcpPort: rtcpPortOf(media) },
    law: codec[1],
    payloadType: codec[0],
    eventPayloadType: formats.find(([, kind]) => kind === 'telephone-event')?.[0],
    receive: receivedKinds(media, formats),
    sending: !isZero && (direction === 'sendrecv' || direction === 'recvonly'),
    receiving: direction === 'sendrecv' || direction === 'sendonly',
    onHold: isZero || direction === 'sendonly' || direction === 'inactive',
    ptimeMs: media.ptimeMs,
  };
  return { media, audio, formats };
}

/** The next port, unless `a=rtcp` names one (RFC 3605). */
function rtcpPortOf({ port, rtcpPort }: SdpMedia): number {
  return rtcpPort === undefined || rtcpPort === 0 ? Math.min(port + 1, 65_535) : rtcpPort;
}

function supportedFormats(media: SdpMedia): Format[] {
  const formats: Format[] = [];
  for (const text of media.formats) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
    if (!(payloadType <= 127) || formats.some(([listed]) => listed === payloadType)) continue;
    const kind = kindOf(media, payloadType);
    if (kind !== undefined && kind !== 'comfort-noise') formats.push([payloadType, kind]);
  }
  return formats;
}

/** Static payload types mean what RFC 3551 says, unless a map says otherwise. */
function kindOf(media: SdpMedia, payloadType: number): PayloadKind | undefined {
  return kindsOfEncodings.get(media.encodings.get(payloadType) ?? staticEncodings.get(payloadType) ?? '');
}

/** Besides what was agreed, the static types: a gateway that sends PCMA or comfort noise unasked is still understood. */
function receivedKinds(media: SdpMedia, formats: readonly Format[]): Map<number, PayloadKind> {
  const kinds = new Map<number, PayloadKind>();
  for (const payloadType of staticEncodings.keys()) {
    const kind = kindOf(media, payloadType);
    if (kind !== undefined) kinds.set(payloadType, kind);
  }
  for (const [payloadType, kind] of formats) kinds.set(payloadType, kind);
  return kinds;
}

const staticEncodings: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [13, 'CN/8000'],
]);

const kindsOfEncodings: ReadonlyMap<string, PayloadKind> = new Map([
  ['PCMU/8000', 'pcmu'],
  ['PCMA/8000', 'pcma'],
  ['CN/8000', 'comfort-noise'],
  ['TELEPHONE-EVENT/8000', 'telephone-event'],
]);

const namesOfKinds: Readonly<Record<PayloadKind, string>> = {
  pcmu: 'PCMU/8000',
  pcma: 'PCMA/8000',
  'comfort-noise': 'CN/8000',
  'telephone-event': 'telephone-event/8000',
};

function encodingLines(formats: readonly Format[]): string[] {
  return formats.flatMap(([payloadType, kind]) => {
    const map = `a=rtpmap:${payloadType} ${namesOfKinds[kind]}`;
    // The keys; a hook flash (16) would be taken and not understood.
    return kind === 'telephone-event' ? [map, `a=fmtp:${payloadType} 0-15`] : [map];
  });
}

/** A stream that we do not take keeps its place with port 0; one of its formats is enough (RFC 3264 section 6). */
function rejected(media: SdpMedia): string {
  return `m=${media.kind} 0 ${media.protocol} ${media.formats[0] ?? '0'}`;
}

function directionOf({ sending, receiving }: NegotiatedAudio): Direction {
  if (sending) return receiving ? 'sendrecv' : 'sendonly';
  return receiving ? 'recvonly' : 'inactive';
}

function isG711(kind: PayloadKind): kind is G711Law {
  return kind === 'pcmu' || kind === 'pcma';
}
