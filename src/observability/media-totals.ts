import type { CallSnapshot } from '../call/call-observer';

type Media = NonNullable<CallSnapshot['media']>;

const counted = {
  packets_received: (media: Media) => media.packetsReceived,
  packets_sent: (media: Media) => media.packetsSent,
  packets_lost: (media: Media) => media.packetsLost,
  packets_reordered: (media: Media) => media.packetsReordered,
  packets_duplicate: (media: Media) => media.packetsDuplicate,
  packets_late: (media: Media) => media.packetsLate,
  frames_concealed: (media: Media) => media.framesConcealed,
  frames_silenced: (media: Media) => media.framesSilenced,
  frames_skipped: (media: Media) => media.framesSkipped,
  digits: (media: Media) => media.digits,
};

/** Causes are our own words; should a stranger's get among them, they end here. */
const causesMax = 32;

/** Sums over all calls: those that ended, kept here, and those that go on, asked for at each reading. */
export class MediaTotals {
  readonly #counts = new Map<string, number>();
  readonly #drops = new Map<string, number>();

  /** To be called once for each call, with its last figures. */
  addEnded(media: Media | undefined): void {
    if (media === undefined) return;
    addCounts(this.#counts, media);
    addDrops(this.#drops, media);
  }

  counts(live: readonly CallSnapshot[]): Map<string, number> {
    const totals = new Map(this.#counts);
    for (const what of Object.keys(counted)) add(totals, what, 0);
    for (const { media } of live) if (media !== undefined) addCounts(totals, media);
    return totals;
  }

  drops(live: readonly CallSnapshot[]): Map<string, number> {
    const totals = new Map(this.#drops);
    for (const { media } of live) if (media !== undefined) addDrops(totals, media);
    return totals;
  }
}

function addCounts(totals: Map<string, number>, media: Media): void {
  for (const [what, read] of Object.entries(counted)) add(totals, what, read(media));
}

function addDrops(totals: Map<string, number>, media: Media): void {
  for (const [cause, count] of Object.entries(media.dropped)) {
    add(totals, totals.has(cause) || totals.size < causesMax ? cause : 'other', count);
  }
}

function add(totals: Map<string, number>, key: string, count: number): void {
  totals.set(key, (totals.get(key) ?? 0) + count);
}
