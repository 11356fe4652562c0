import { addressScope } from '../rtp/ip-address';
import { OfferRefused } from './media-leg';
import { readDescription } from './negotiation';
import type { Direction, SdpMedia } from './sdp';

/** What we need to know of SDP that FreeSWITCH negotiates: the rest of it passes through us as text. */
export interface SideOfCall {
  direction: Direction;
  /** `sendonly`, `inactive` or a zero address: the writer has put the other on hold. */
  holds: boolean;
  /** Of the first format, `PCMU/8000` or such. */
  codec: string;
  canTakeKeys: boolean;
}

/** Reads an offer or an answer. Throws `OfferRefused`: 400 for what is no SDP, 488 when it has no audio. */
export function readSide(sdp: string): SideOfCall {
  const media = readDescription(sdp).media.find(({ kind, port }) => kind === 'audio' && port > 0);
  if (media === undefined) throw new OfferRefused(488, 'no audio stream');
  // FreeSWITCH would take it, but only after our 200 could the handshake of DTLS begin (RFC 5763 section 5).
  if (/TLS/i.test(media.protocol)) throw new OfferRefused(488, 'DTLS is not supported; SRTP with a=crypto is');
  const isZero = media.address !== undefined && addressScope(media.address) === 'unspecified';
  const names = media.formats.map((format) => encodingOf(media, format));
  return {
    direction: media.direction,
    holds: isZero || media.direction === 'sendonly' || media.direction === 'inactive',
    codec: names[0] ?? '',
    canTakeKeys: names.some((name) => name.startsWith('TELEPHONE-EVENT/')),
  };
}

/**
 * The offer as fsmrf takes it: it refuses every `SAVP` as if it needed DTLS, which is true of `UDP/TLS` alone. FreeSWITCH
 * reads the protocol in any case (RFC 8866 makes it a token; sofia compares without case).
 */
export function passableOffer(offer: string): string {
  return offer.replace(/^(m=audio \S+ RTP\/)(SAVPF?)(?= )/gm, (_line, start: string, profile: string) => {
    return start + profile.toLowerCase();
  });
}

/**
 * The offer with its RTCP port named (RFC 3605), which is the next one unless it says otherwise. FreeSWITCH opens its own and
 * reads what comes there only for who names one, or where `rtcp-audio-interval-msec` is set.
 */
export function withRtcpPort(offer: string): string {
  return offer.replace(/^m=audio ([1-9]\d*)[\s\S]*?(?=^m=|$(?![\s\S]))/m, (section, port: string) =>
    /^a=rtcp[:-]/m.test(section) ? section : `${section.trimEnd()}\r\na=rtcp:${Number(port) + 1}\r\n`,
  );
}

/** The same description with another direction on its streams. */
export function withDirection(sdp: string, direction: Direction): string {
  const lines = sdp.split(/\r\n|\n/).filter((line) => !/^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line));
  while (lines.at(-1) === '') lines.pop();
  return [...lines, `a=${direction}`, ''].join('\r\n');
}

function encodingOf(media: SdpMedia, format: string): string {
  return media.encodings.get(Number(format)) ?? staticEncodings[format] ?? format;
}

/** RFC 3551 section 6, as far as telephones use them. */
const staticEncodings: Readonly<Record<string, string>> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  18: 'G729/8000',
};
