import { FrameClock } from '../../src/media/frame-clock';
import type { AudioSource, MediaLeg, MediaLegListener } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { CallerHangUp, CallerLeg } from '../../src/signalling/caller-leg';
import { SipLink } from '../../src/signalling/sip-link';
import { startSipServer, type SipServer } from '../../src/sip-server/server';

const parts = { clock: systemClock, random: systemRandom };

/** A real SIP server with a link on it, on a loopback address. */
export async function openLine(
  address: string,
  onCall?: (leg: CallerLeg) => void,
): Promise<{ server: SipServer; link: SipLink; bugs: unknown[]; close(): Promise<void> }> {
  const server = await startSipServer({
    ...parts,
    listen: [
      { transport: 'udp', address, port: 0 },
      { transport: 'tcp', address, port: 0 },
    ],
    logger: silentLogger,
  });
  const bugs: unknown[] = [];
  const link = new SipLink({
    ...parts,
    server: server.admin,
    log: silentLogger,
    onBug: (bug) => bugs.push(bug),
    ...(onCall !== undefined && { onCall }),
  });
  await link.connect({ deadlineMs: 10_000 });
  const close = async (): Promise<void> => {
    await link.close();
    await server.close();
  };
  return { server, link, bugs, close };
}

/** Legs with real sockets, from ports of their own. */
export function openMedia(address: string, first: number): ReturnType<typeof createRtpLegFactory> {
  return createRtpLegFactory({
    ...parts,
    logger: silentLogger,
    frameClock: new FrameClock(parts),
    ports: new PortPool({ ...parts, first, last: first + 999 }),
    localAddress: address,
  });
}

/** Answers every call with real media and says what it is told to. */
export class AnsweringMachine {
  readonly hangUps: CallerHangUp[] = [];
  readonly digits: string[] = [];
  readonly holds: boolean[] = [];
  legs: { leg: CallerLeg; media: MediaLeg }[] = [];
  line!: Awaited<ReturnType<typeof openLine>>;
  readonly #media = openMedia('127.0.0.1', 30_000);
  readonly #source: AudioSource;

  private constructor(source: AudioSource) {
    this.#source = source;
  }

  static async start(source: AudioSource): Promise<AnsweringMachine> {
    const machine = new AnsweringMachine(source);
    machine.line = await openLine('127.0.0.1', (leg) => void machine.#answer(leg));
    return machine;
  }

  uri(transport: 'udp' | 'tcp' = 'udp'): string {
    const { port } = this.line.server.listening.find((at) => at.transport === transport)!;
    return `sip:100@127.0.0.1:${port};transport=${transport}`;
  }

  async close(): Promise<void> {
    for (const { leg, media } of this.legs) {
      leg.hangUp();
      media.close();
    }
    await this.line.close();
  }

  async #answer(leg: CallerLeg): Promise<void> {
    const media = await this.#media.create({ callId: leg.info.sipCallId, signallingAddress: leg.info.sourceAddress });
    this.legs.push({ leg, media });
    leg.listen({
      onHangUp: (how) => {
        this.hangUps.push(how);
        media.close();
      },
      onOffer: async (offer) => {
        const sdp = offer === undefined ? await media.offer() : await media.modify(offer);
        this.holds.push(media.onHold);
        return { sdp };
      },
      onAnswer: (answer) => void media.acceptAnswer(answer),
      onDigit: (digit) => this.digits.push(`info ${digit}`),
    });
    leg.ring();
    const listener: MediaLegListener = {
      onAudio: () => undefined,
      onDigit: (digit) => this.digits.push(digit),
      onFailure: () => leg.hangUp(),
    };
    const sdp = await media.answer(leg.offer ?? '');
    await leg.answer(sdp).then(
      () => media.start(listener, this.#source),
      () => media.close(),
    );
  }
}
