import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';

import type { Settings } from '../config/settings';
import { createFreeswitchLegFactory } from '../media/freeswitch-leg';
import { createMrf } from '../media/freeswitch-mrf';
import { FreeswitchPool } from '../media/freeswitch-pool';
import { freeswitchProbe } from '../media/freeswitch-probe';
import { MediaUnavailable, type MediaLeg, type MediaLegFactory, type MediaLegOptions } from '../media/media-leg';
import type { FreeswitchFigures } from '../observability/freeswitch-metrics';
import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { SipLink } from '../signalling/sip-link';
import { StartRefused } from '../start-refused';

export interface FreeswitchMediaOptions {
  settings: Settings;
  clock: Clock;
  logger: Logger;
  /** Our RTP sockets, which face FreeSWITCH. */
  ours: MediaLegFactory;
}

/** One FreeSWITCH must be there at the start; those that come later are used when they come. */
const startDeadlineMs = 10_000;
const probeDeadlineMs = 2_000;

/** The legs of all calls when RINGBRIDGE_FREESWITCH is set. */
export class FreeswitchMedia implements MediaLegFactory {
  readonly #options: FreeswitchMediaOptions;
  #pool: FreeswitchPool | undefined;

  constructor(options: FreeswitchMediaOptions) {
    this.#options = options;
  }

  /** Before the first call is taken; `linkNow` tells which link to call FreeSWITCH through, each time. */
  async start(linkNow: () => SipLink | undefined): Promise<void> {
    const { settings, clock, logger } = this.#options;
    const { freeswitch = [], freeswitchSecret, freeswitchListen, freeswitchAdvertise, data } = settings;
    // One process per data folder: the same name after a restart, and another one for every other Ringbridge.
    const identity = createHash('sha256')
      .update(`${hostname()}:${resolve(data)}`)
      .digest('hex')
      .slice(0, 12);
    this.#pool = new FreeswitchPool(
      {
        clock,
        logger: logger.child({ part: 'freeswitch' }),
        mrf: createMrf(callingThrough(linkNow)),
        probe: freeswitchProbe({ clock, deadlineMs: probeDeadlineMs }),
        secret: freeswitchSecret ?? '',
        listen: freeswitchListen ?? { host: '127.0.0.1', port: 0 },
        advertise: freeswitchAdvertise,
        owner: `ringbridge-${identity}`,
      },
      freeswitch,
    );
    try {
      await this.#pool.start({ deadlineMs: startDeadlineMs });
    } catch (cause) {
      throw new StartRefused(messageOf(cause), { cause });
    }
  }

  get taking(): boolean {
    return this.#pool?.taking === true;
  }

  get figures(): readonly FreeswitchFigures[] {
    return (this.#pool?.servers ?? []).map(({ name, state, draining, channels, stats }) => {
      return { name, up: state === 'up', draining, channels, stats: { ...stats } };
    });
  }

  async create(options: MediaLegOptions): Promise<MediaLeg> {
    const pool = this.#pool;
    invariant(pool !== undefined, 'calls come only after FreeSWITCH');
    const { settings, clock, logger, ours } = this.#options;
    const { mediaTimeoutMs, firstMediaTimeoutMs } = settings;
    const parts = { pool, ours, clock, logger, mediaTimeoutMs, firstMediaTimeoutMs };
    return createFreeswitchLegFactory(parts).create(options);
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}

/** All that fsmrf wants of srf. A call's channels stay with the link that they were made on. */
function callingThrough(linkNow: () => SipLink | undefined): object {
  return {
    get createUAC() {
      const srf = linkNow()?.srf;
      if (srf === undefined) throw new MediaUnavailable('there is no link to a SIP server that could call FreeSWITCH');
      return srf.createUAC.bind(srf);
    },
  };
}
