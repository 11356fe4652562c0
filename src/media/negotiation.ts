import type { G711Law } from '../audio/g711';
import type { OpusLimits } from '../audio/opus';
import { addressScope } from '../rtp/ip-address';
import type { RtpClockHz } from '../rtp/sender';
import { OfferRefused, type OfferedCodec } from './media-leg';
import { ourOpusParameters, readOpusParameters } from './opus-parameters';
import { parseSdp, type Direction, type SdpMedia, type SessionDescription } from './sdp';

/** What our own RTP can speak; Opus where the codec is there. */
export type AudioCodec = G711Law | 'opus';

/** What a payload type means on a leg. */
export type PayloadKind = AudioCodec | 'telephone-event' | 'comfort-noise';

/** What both sides agreed on, in our words. */
export interface NegotiatedAudio {
  /** Where the caller says its media is; undefined when it gave a zero address (an old way to say hold). */
  remote: { address: string; port: number; rtcpPort: number } | undefined;
  codec: AudioCodec;
  /** Of `codec`, on packets that we send. */
  payloadType: number;
  /** Of the timestamps of `codec`. */
  clockHz: RtpClockHz;
  /** What the caller's decoder wants, when `codec` is Opus. */
  opus: OpusLimits | undefined;
  /** Telephone-event on packets that we send, and the clock of its durations; undefined: we cannot send keys. */
  event: { payloadType: number; clockHz: RtpClockHz } | undefined;
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

/** What we are when an offer is read. */
export interface OurSide {
  /** Of our own address. */
  family: 'IP4' | 'IP6';
  /** What may be agreed on. Which of them is chosen is up to the order of the offer (RFC 3264 section 6.1). */
  codecs: readonly AudioCodec[];
}

export const bothLaws: readonly AudioCodec[] = ['pcmu', 'pcma'];

/** A payload type and its encoding, `PCMU/8000` or such, with its `a=fmtp`. */
export type OfferedFormat = readonly [payloadType: number, encoding: string, parameters?: string | undefined];

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

/** The formats of an offer, each once. */
export function formatsOf(codecs: readonly OfferedCodec[]): OfferedFormat[] {
  return [...new Set(codecs)].map((codec) => formatsOfCodecs[codec]);
}

/** Those of them that our own RTP speaks, which has `spoken`. Keys get the clock of Opus as well (RFC 4733 section 2.1). */
export function ownFormatsOf(codecs: readonly OfferedCodec[], spoken: readonly AudioCodec[]): OfferedFormat[] {
  const formats = formatsOf(codecs.filter((codec) => spoken.some((one) => one === codec)));
  const opus = formats.find(([payloadType]) => payloadType === formatsOfCodecs.opus[0]);
  if (opus === undefined) return formats;
  const told = formats.map((format) => (format === opus ? ([opus[0], opus[1], ourOpusParameters] as const) : format));
  return [...told, [ourOpusEventPayloadType, namesOfKinds['telephone-event'](48_000), keyEvents]];
}

/** Our side of one session's SDP: it keeps the origin line, whose version counts our changes (RFC 3264 section 8). */
export class LocalDescription {
  readonly #local: LocalMedia;
  readonly #sessionId: number;
  readonly #offered: readonly OfferedFormat[];
  #version = 0;
  #body = '';

  /** `sessionId` is a random whole number below 2^53; `offered`: what `offer` lists beside telephone-event, both laws unless given. */
  constructor({ local, sessionId, offered = formatsOf(bothLaws) }: LocalDescriptionOptions) {
    this.#local = local;
    this.#sessionId = sessionId;
    this.#offered = offered;
  }

  /** `current`: what is agreed on already. Opus stays in the offer then, under its payload types (RFC 3264 section 8.3.2). */
  offer(current?: NegotiatedAudio): string {
    const formats = [...opusInUse(current), ...this.#offered];
    const eventPayloadType = eventPayloadTypes.find((one) => formats.every(([taken]) => taken !== one)) ?? 0;
    const listed = formats.filter(([payloadType], at) => formats.findIndex(([one]) => one === payloadType) === at);
    listed.push([eventPayloadType, namesOfKinds['telephone-event'](8_000), keyEvents]);
    const lines = [
      `m=audio ${this.#local.port} RTP/AVP ${listed.map(([payloadType]) => payloadType).join(' ')}`,
      ...listed.flatMap(formatLines),
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
      ...formats.flatMap(([payloadType, kind, clockHz]) => {
        return formatLines([payloadType, namesOfKinds[kind](clockHz), parametersOfKinds[kind]]);
      }),
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

function opusInUse(current: NegotiatedAudio | undefined): OfferedFormat[] {
  if (current?.codec !== 'opus') return [];
  const { payloadType, event } = current;
  const keys: OfferedFormat[] =
    event?.clockHz === 48_000 ? [[event.payloadType, namesOfKinds['telephone-event'](48_000), keyEvents]] : [];
  return [[payloadType, namesOfKinds.opus(48_000), ourOpusParameters], ...keys];
}

/** The stream of an offer that we accept. */
export interface OfferChoice {
  media: SdpMedia;
  audio: NegotiatedAudio;
  /** What our answer lists: what we understand, in the offerer's order, with the offerer's payload types. */
  formats: readonly Format[];
}

type Format = readonly [payloadType: number, kind: PayloadKind, clockHz: RtpClockHz];
type AudioFormat = readonly [payloadType: number, codec: AudioCodec, clockHz: RtpClockHz];

/** Reads a description. Throws `OfferRefused` (400) when it is no SDP. */
export function readDescription(text: string): SessionDescription {
  const session = parseSdp(text);
  if (typeof session === 'string') throw new OfferRefused(400, session);
  return session;
}

/** The first stream that is usable. Throws `OfferRefused` (488) when there is none. */
export function chooseAudio(offer: SessionDescription, ours: OurSide): OfferChoice {
  let problem = 'no audio stream';
  for (const media of offer.media) {
    const choice = readAudio(media, ours);
    if (typeof choice !== 'string') return choice;
    if (media.kind === 'audio') problem = choice;
  }
  throw new OfferRefused(488, problem);
}

/** The answer to our own offer. Throws `OfferRefused` (488) when it leaves nothing that we can use. */
export function readAnswer(answer: SessionDescription, ours: OurSide): NegotiatedAudio {
  const { audio } = chooseAudio(answer, ours);
  // The answerer should repeat our payload type for telephone-event and may send it even if it lists another.
  const receive = new Map(audio.receive);
  const events = audio.codec === 'opus' ? [ourEventPayloadType, ourOpusEventPayloadType] : [ourEventPayloadType];
  for (const payloadType of events) if (!receive.has(payloadType)) receive.set(payloadType, 'telephone-event');
  return { ...audio, receive };
}

/** Packets that we send are this long, whatever was asked for. */
const sentPtimeMs = 20;
const ourEventPayloadType = 101;
/** In an offer that goes on with the other side's payload types the usual one may be taken. */
const eventPayloadTypes = [ourEventPayloadType, 102, 103];
const ourOpusEventPayloadType = 110;
/** The keys; a hook flash (16) would be taken and not understood. */
const keyEvents = '0-15';

function readAudio(media: SdpMedia, { family, codecs }: OurSide): OfferChoice | string {
  if (media.kind !== 'audio' || media.port === 0) return 'no audio stream';
  if (media.protocol.toUpperCase() !== 'RTP/AVP') return 'only RTP/AVP is supported';
  if (media.address === undefined) return 'no usable media address';
  const scope = addressScope(media.address);
  if (scope === 'unusable') return 'no usable media address';
  const isZero = scope === 'unspecified';
  if (!isZero && media.address.includes(':') !== (family === 'IP6')) return 'the media address is of the wrong family';
  const understood = understoodFormats(media);
  const chosen = understood.find((format): format is AudioFormat => codecs.some((codec) => codec === format[1]));
  if (chosen === undefined) return missingCodec(understood, codecs);
  const [payloadType, codec, clockHz] = chosen;
  const formats = answeredFormats(understood, chosen, codecs);
  const event = formats.find(([, kind]) => kind === 'telephone-event');
  const { direction } = media;
  const audio: NegotiatedAudio = {
    remote: isZero ? undefined : { address: media.address, port: media.port, rtcpPort: rtcpPortOf(media) },
    codec,
    payloadType,
    clockHz,
    opus: codec === 'opus' ? readOpusParameters(media.parameters.get(payloadType)) : undefined,
    event: event && { payloadType: event[0], clockHz: event[2] },
    receive: codec === 'opus' ? opusKinds(understood, payloadType) : g711Kinds(media, formats),
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

function understoodFormats(media: SdpMedia): Format[] {
  const formats: Format[] = [];
  for (const text of media.formats) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
    if (!(payloadType <= 127) || formats.some(([listed]) => listed === payloadType)) continue;
    const meaning = meaningOf(media, payloadType);
    if (meaning !== undefined && meaning[0] !== 'comfort-noise') formats.push([payloadType, ...meaning]);
  }
  return formats;
}

/**
 * Both laws may be listed, and sent in turn; Opus stands alone, because its clock is another one. Keys have the clock of the
 * audio (RFC 4733 section 2.1), but a phone that knows theirs at 8 kHz alone sends them so beside Opus, too.
 */
function answeredFormats(understood: readonly Format[], chosen: AudioFormat, codecs: readonly AudioCodec[]): Format[] {
  const [, , clockHz] = chosen;
  const events = understood.filter(([, kind]) => kind === 'telephone-event');
  const inClock = events.filter((event) => event[2] === clockHz);
  if (chosen[1] === 'opus') return [chosen, ...(inClock.length > 0 ? inClock : events)];
  const laws = codecs.filter((codec) => codec !== 'opus');
  return understood.filter((format) => laws.some((law) => law === format[1]) || inClock.includes(format));
}

function missingCodec(understood: readonly Format[], codecs: readonly AudioCodec[]): string {
  if (codecs.includes('opus')) return 'neither Opus nor a G.711 codec that is let in';
  const hasOpus = understood.some(([, kind]) => kind === 'opus');
  return hasOpus ? 'no G.711 codec, and Opus is not there (docs/opus.md)' : 'no G.711 codec';
}

/** Static payload types mean what RFC 3551 says, unless a map says otherwise. */
function meaningOf(media: SdpMedia, payloadType: number): Meaning | undefined {
  return meanings.get(media.encodings.get(payloadType) ?? staticEncodings.get(payloadType) ?? '');
}

/** Besides what was agreed, the static types: a gateway that sends PCMA or comfort noise unasked is still understood. */
function g711Kinds(media: SdpMedia, formats: readonly Format[]): Map<number, PayloadKind> {
  const kinds = new Map<number, PayloadKind>();
  for (const payloadType of staticEncodings.keys()) {
    const meaning = meaningOf(media, payloadType);
    if (meaning !== undefined && meaning[0] !== 'opus') kinds.set(payloadType, meaning[0]);
  }
  for (const [payloadType, kind] of formats) kinds.set(payloadType, kind);
  return kinds;
}

/** Keys of either clock: all packets of one bear the same timestamp, and more of it is not read. */
function opusKinds(understood: readonly Format[], payloadType: number): Map<number, PayloadKind> {
  const events = understood.filter(([, kind]) => kind === 'telephone-event');
  return new Map<number, PayloadKind>([
    [payloadType, 'opus'],
    ...events.map(([event, kind]) => [event, kind] as const),
  ]);
}

const staticEncodings: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [13, 'CN/8000'],
]);

type Meaning = readonly [kind: PayloadKind, clockHz: RtpClockHz];
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['PCMU/8000', ['pcmu', 8_000]],
  ['PCMA/8000', ['pcma', 8_000]],
  ['OPUS/48000/2', ['opus', 48_000]],
  ['CN/8000', ['comfort-noise', 8_000]],
  ['TELEPHONE-EVENT/8000', ['telephone-event', 8_000]],
  ['TELEPHONE-EVENT/48000', ['telephone-event', 48_000]],
]);

const namesOfKinds: Readonly<Record<PayloadKind, (clockHz: RtpClockHz) => string>> = {
  pcmu: () => 'PCMU/8000',
  pcma: () => 'PCMA/8000',
  opus: () => 'opus/48000/2',
  'comfort-noise': () => 'CN/8000',
  'telephone-event': (clockHz) => `telephone-event/${clockHz}`,
};

const parametersOfKinds: Readonly<Record<PayloadKind, string | undefined>> = {
  pcmu: undefined,
  pcma: undefined,
  opus: ourOpusParameters,
  'comfort-noise': undefined,
  'telephone-event': keyEvents,
};

/** As records have it: `PCMU/8000`. */
export function nameOfCodec({ codec, clockHz }: NegotiatedAudio): string {
  return namesOfKinds[codec](clockHz).toUpperCase();
}

function formatLines([payloadType, encoding, parameters]: OfferedFormat): string[] {
  const map = `a=rtpmap:${payloadType} ${encoding}`;
  return parameters === undefined ? [map] : [map, `a=fmtp:${payloadType} ${parameters}`];
}

/** A stream that we do not take keeps its place with port 0; one of its formats is enough (RFC 3264 section 6). */
function rejected(media: SdpMedia): string {
  return `m=${media.kind} 0 ${media.protocol} ${media.formats[0] ?? '0'}`;
}

function directionOf({ sending, receiving }: NegotiatedAudio): Direction {
  if (sending) return receiving ? 'sendrecv' : 'sendonly';
  return receiving ? 'recvonly' : 'inactive';
}
