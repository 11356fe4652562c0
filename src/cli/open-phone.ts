import { FrameClock } from '../media/frame-clock';
import { createRtpLegFactory } from '../media/rtp-leg';
import { Phone } from '../phone/phone';
import { PortPool } from '../rtp/port-pool';
import { systemClock } from '../runtime/clock';
import { silentLogger } from '../runtime/logger';
import { systemRandom } from '../runtime/random';
import { SipLink } from '../signalling/sip-link';
import { startSipServer } from '../sip-server/server';

/** RTP ports of the phone; one that a program already has is passed over. */
const rtpPorts = { first: 20_000, last: 29_999 };

const linkDeadlineMs = 5_000;

/** A phone with a SIP server of its own on a free port of `local`, and its RTP there too. */
export async function openPhone(local: string): Promise<{ phone: Phone; close(): Promise<void> }> {
  const parts = { clock: systemClock, random: systemRandom };
  const server = await startSipServer({
    ...parts,
    listen: [
      { transport: 'udp', address: local, port: 0 },
      { transport: 'tcp', address: local, port: 0 },
    ],
    logger: silentLogger,
  });
  const link = new SipLink({ ...parts, server: server.admin, log: silentLogger, onBug: ({ cause }) => rethrow(cause) });
  const close = async (): Promise<void> => {
    await link.close();
    // It waits for the answers to our BYEs.
    await server.close();
  };
  try {
    await link.connect({ deadlineMs: linkDeadlineMs });
  } catch (cause) {
    await close();
    throw cause;
  }
  const media = createRtpLegFactory({
    ...parts,
    logger: silentLogger,
    frameClock: new FrameClock(parts),
    ports: new PortPool({ ...parts, ...rtpPorts }),
    localAddress: local,
  });
  return { phone: new Phone({ ...parts, link, media, log: silentLogger }), close };
}

/** A command has no calls of others to protect: a bug ends it, with its stack. */
function rethrow(cause: unknown): void {
  queueMicrotask(() => {
    throw cause;
  });
}
