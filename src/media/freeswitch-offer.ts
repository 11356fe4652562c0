import { MediaUnavailable, type OfferedCodec } from './media-leg';
import { formatsOf, LocalDescription, readDescription } from './negotiation';

/**
 * Stands for a caller or a callee whose description comes later. FreeSWITCH's own offers are of no use: it offers every
 * stream twice, with and without SRTP, and fsmrf answers them with FreeSWITCH's own description.
 */
export function placeholderFor(ourOffer: string): string {
  return `${ourOffer.replace(/^m=audio \d+/m, `m=audio ${discardPort}`)}a=rtcp:${discardPort}\r\n`;
}

/** Nobody listens there (RFC 863). */
const discardPort = 9;

/**
 * Our offer at FreeSWITCH's address, `freeswitchSdp` being its answer to a placeholder. What the other side chooses of it goes
 * to FreeSWITCH as a re-INVITE.
 */
export function offerAt(freeswitchSdp: string, codecs: readonly OfferedCodec[]): string {
  const media = readDescription(freeswitchSdp).media[0];
  if (media?.address === undefined) throw new MediaUnavailable('FreeSWITCH named no media address');
  const { address, port } = media;
  return new LocalDescription({ local: { address, port }, sessionId: port, offered: formatsOf(codecs) }).offer();
}
