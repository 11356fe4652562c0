import { addressScope, type AddressScope, type MediaAddress } from './ip-address';
import type { RtpHeader } from './packet';
import { sequenceDelta } from './sequence';

// Who is heard and who is sent to. "Named" is the address in the caller's SDP, "signalling" the address SIP comes from.
//
//  state    heard                       learned (the packets of a row in sequence)      sent to
//  -------  --------------------------  ----------------------------------------------  ---------------------------------
//  unset    nobody                      nobody                                          nobody
//  named    the named address and port  other ports of the named IP, the signalling IP  the named address, at most 50
//           -> locked at once           (not where the caller was before new SDP, for   packets unless it is the SIP peer or
//                                       2 s) -> locked                                  trusted; never a private one behind
//                                                                                       NAT
//  locked   the locked address and port the named address -> locked there;              the locked address
//                                       other ports of the locked or the named IP ->
//                                       locked there: at once when the same stream
//                                       goes on (NAT rebinding), else only after the
//                                       locked source has been silent for 200 ms
//
// New SDP with another address -> named; with the same address nothing changes. No other IP is ever heard or sent to: what
// cannot be learned cannot be stolen (RTP bleed, RTP injection).

/** Packets in a row from one source before it is believed. */
export const learnPackets = 3;
/** While the locked source speaks, nobody else with another stream is listened to. */
export const relearnAfterSilentMs = 200;
/** After new SDP, what still comes from where the caller was before is not taken for the new place. */
export const formerSourceMs = 2_000;
/** To an address that has sent nothing: one second of audio. */
export const unansweredPacketsMax = 50;
/** A sender keeps its stream over a NAT rebinding: the next packets lie this close. */
const rebindingGapPackets = 100;
/** Addresses whose unanswered packets are counted; a leg that names more of them gets no more packets. */
const countedAddressesMax = 8;

export type SourceVerdict = 'heard' | 'learning-source' | 'foreign-source';

type State =
  | { kind: 'unset' }
  | { kind: 'named' }
  | { kind: 'locked'; source: MediaAddress; heardMs: number; ssrc: number; sequence: number };

interface Candidate extends MediaAddress {
  ssrc: number;
  sequence: number;
  packets: number;
}

/** One leg's table of trust. Addresses are canonical texts (`canonicalAddress`); it owns no timer and no socket. */
export class SourcePolicy {
  readonly #signallingAddress: string;
  readonly #trustsNamed: boolean;
  readonly #unanswered = new Map<string, number>();
  #state: State = { kind: 'unset' };
  #named: MediaAddress = { address: '', port: 0 };
  /** The named address means another machine here than where the caller is: packets to it would go astray. */
  #namedBehindNat = false;
  #candidate: Candidate | undefined;
  #former: (MediaAddress & { untilMs: number }) | undefined;
  #rtcp: MediaAddress | undefined;
  #rtcpLearned = false;

  /** `trustsNamed`: the SDP is that of a server of ours, which is sent to before it has sent anything. */
  constructor({ signallingAddress, trustsNamed = false }: { signallingAddress: string; trustsNamed?: boolean }) {
    this.#signallingAddress = signallingAddress;
    this.#trustsNamed = trustsNamed;
  }

  /** The caller's SDP names where its media is. `rtcpPort` as in `a=rtcp` (RFC 3605); an address there is not used. */
  name(target: MediaAddress & { rtcpPort: number }, nowMs: number): void {
    const { address, port, rtcpPort } = target;
    if (this.#state.kind !== 'unset' && address === this.#named.address && port === this.#named.port) return;
    if (this.#state.kind === 'locked') this.#former = { ...this.#state.source, untilMs: nowMs + formerSourceMs };
    this.#named = { address, port };
    this.#namedBehindNat =
      !this.#trustsNamed && isElsewhere(addressScope(address), addressScope(this.#signallingAddress));
    this.#state = { kind: 'named' };
    this.#candidate = undefined;
    this.#rtcp = { address, port: rtcpPort };
    this.#rtcpLearned = false;
  }

  /** Whether a datagram from this IP may matter: asked first, before anything is parsed. */
  mayHear(address: string): boolean {
    switch (this.#state.kind) {
      case 'unset':
        return false;
      case 'named':
        return address === this.#named.address || address === this.#signallingAddress;
      case 'locked':
        return address === this.#state.source.address || address === this.#named.address;
    }
  }

  /** What to do with a well-formed RTP packet. */
  judge(packet: RtpHeader, address: string, port: number, nowMs: number): SourceVerdict {
    const state = this.#state;
    if (state.kind === 'locked' && port === state.source.port && address === state.source.address) {
      state.heardMs = nowMs;
      state.ssrc = packet.ssrc;
      state.sequence = packet.sequence;
      return 'heard';
    }
    if (!this.mayHear(address)) return 'foreign-source';
    const isNamed = port === this.#named.port && address === this.#named.address;
    if ((isNamed && state.kind === 'named') || this.#goesOn(packet, address)) {
      this.#lock(packet, { address, port }, nowMs);
      return 'heard';
    }
    if (state.kind === 'locked' && !isNamed && nowMs - state.heardMs < relearnAfterSilentMs) return 'foreign-source';
    if (this.#isFormer(address, port, nowMs)) return 'foreign-source';
    return this.#learn(packet, { address, port }, nowMs);
  }

  /** Whether an RTCP datagram is the caller's; where it came from is where reports then go. */
  judgeRtcp(address: string, port: number): boolean {
    if (!this.mayHear(address)) return false;
    const isHome = this.#state.kind === 'locked' && this.#state.source.address === address;
    if (isHome) {
      this.#rtcp = { address, port };
      this.#rtcpLearned = true;
    }
    return isHome || address === this.#named.address;
  }

  /** Where the next RTP packet goes; it counts as sent. Undefined: nowhere, for now. */
  takeDestination(): MediaAddress | undefined {
    if (this.#state.kind === 'locked') return this.#state.source;
    if (this.#state.kind === 'unset' || this.#namedBehindNat) return undefined;
    return this.#spend(this.#named.address) ? this.#named : undefined;
  }

  /** Where the next RTCP packet goes; it counts as sent. */
  takeRtcpDestination(): MediaAddress | undefined {
    if (this.#rtcp === undefined || this.#state.kind === 'unset') return undefined;
    if (this.#state.kind === 'locked') return this.#rtcp;
    return !this.#namedBehindNat && this.#spend(this.#rtcp.address) ? this.#rtcp : undefined;
  }

  /** Whom we hear, for logs; undefined while nobody has been heard. */
  get source(): MediaAddress | undefined {
    return this.#state.kind === 'locked' ? this.#state.source : undefined;
  }

  #lock(packet: RtpHeader, source: MediaAddress, nowMs: number): void {
    this.#state = { kind: 'locked', source, heardMs: nowMs, ssrc: packet.ssrc, sequence: packet.sequence };
    this.#candidate = undefined;
    const elsewhere = source.address !== this.#named.address || source.port !== this.#named.port;
    if (elsewhere && !this.#rtcpLearned) this.#rtcp = { address: source.address, port: source.port + 1 };
  }

  /** The stream of the locked source, from another port of its IP: a NAT on the way has given it a new one. */
  #goesOn(packet: RtpHeader, address: string): boolean {
    const state = this.#state;
    if (state.kind !== 'locked' || address !== state.source.address || packet.ssrc !== state.ssrc) return false;
    const gap = sequenceDelta({ from: state.sequence, to: packet.sequence });
    return gap > 0 && gap <= rebindingGapPackets;
  }

  #isFormer(address: string, port: number, nowMs: number): boolean {
    const former = this.#former;
    return former !== undefined && address === former.address && port === former.port && nowMs < former.untilMs;
  }

  #learn(packet: RtpHeader, source: MediaAddress, nowMs: number): SourceVerdict {
    const candidate = this.#candidate;
    const follows =
      candidate !== undefined &&
      candidate.address === source.address &&
      candidate.port === source.port &&
      candidate.ssrc === packet.ssrc &&
      ((candidate.sequence + 1) & 0xffff) === packet.sequence;
    if (!follows) {
      this.#candidate = { ...source, ssrc: packet.ssrc, sequence: packet.sequence, packets: 1 };
      return 'learning-source';
    }
    candidate.sequence = packet.sequence;
    candidate.packets += 1;
    if (candidate.packets < learnPackets) return 'learning-source';
    this.#lock(packet, source, nowMs);
    return 'heard';
  }

  #spend(address: string): boolean {
    if (this.#trustsNamed || address === this.#signallingAddress) return true;
    const sent = this.#unanswered.get(address);
    if (sent === undefined && this.#unanswered.size >= countedAddressesMax) return false;
    if ((sent ?? 0) >= unansweredPacketsMax) return false;
    this.#unanswered.set(address, (sent ?? 0) + 1);
    return true;
  }
}

/** A private address is the caller's own only if the caller is in a private network too; our loopback never is. */
function isElsewhere(named: AddressScope, signalling: AddressScope): boolean {
  return (named === 'private' && signalling === 'public') || (named === 'loopback' && signalling !== 'loopback');
}
