import { LegGone, type CallerHangUp, type CallerLeg, type OfferReply } from '../../src/signalling/caller-leg';

/** The far end of a leg, whatever carries it. */
export interface FarEnd {
  readonly leg: CallerLeg;
  /** What the caller got, in order: `ringing`, `answered SDP`, `rejected STATUS`, `bye`. */
  saw(): string[];
  cancel(): void;
  bye(): void;
  lose(): void;
  loseServer(): void;
  reinvite(offer?: string): Promise<OfferReply>;
  pressByInfo(digit: string): void;
  /** Resolves when everything on its way has arrived. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface FarEndOptions {
  /** Undefined for a late offer. */
  offer: string | undefined;
  ack: 'at once' | 'never';
  /** The SDP in the ACK when the offer was ours. */
  ackSdp?: string;
}

interface Told {
  hangUps: CallerHangUp[];
  offers: (string | undefined)[];
  answers: string[];
  digits: string[];
}

function listenTo(leg: CallerLeg, reply: () => Promise<OfferReply> = () => Promise.resolve({ sdp: 'v=0 new' })): Told {
  const told: Told = { hangUps: [], offers: [], answers: [], digits: [] };
  leg.listen({
    onHangUp: (how) => told.hangUps.push(how),
    onOffer: (offer) => {
      told.offers.push(offer);
      return reply();
    },
    onAnswer: (answer) => told.answers.push(answer),
    onDigit: (digit) => told.digits.push(digit),
  });
  return told;
}

/** The sentences of `CallerLeg`, for every implementation. */
export function describeCallerLeg(name: string, call: (options: FarEndOptions) => Promise<FarEnd>): void {
  describe(`${name} as a caller leg`, () => {
    const open: FarEnd[] = [];
    const callWith = async (options: Partial<FarEndOptions> = {}): Promise<FarEnd> => {
      const end = await call({ offer: 'v=0 offer', ack: 'at once', ...options });
      open.push(end);
      return end;
    };
    afterEach(async () => {
      for (const end of open.splice(0)) await end.close();
    });

    test('rings any number of times, then answers, and resolves when the ACK has come', async () => {
      const end = await callWith();
      listenTo(end.leg);
      end.leg.ring();
      end.leg.ring();
      await expect(end.leg.answer('v=0 answer')).resolves.toBeUndefined();
      await end.settle();
      expect(end.saw()).toEqual(['ringing', 'ringing', 'answered v=0 answer']);
    });

    test('carries the offer of the INVITE', async () => {
      expect((await callWith({ offer: 'v=0 first' })).leg.offer).toBe('v=0 first');
    });

    test('a late offer shows as no offer, and its answer comes with the ACK', async () => {
      const end = await callWith({ offer: undefined, ackSdp: 'v=0 in-ack' });
      listenTo(end.leg);
      expect(end.leg.offer).toBeUndefined();
      await expect(end.leg.answer('v=0 our-offer')).resolves.toBe('v=0 in-ack');
    });

    test('a rejection is the last thing that the caller sees', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      end.leg.reject(486);
      end.leg.ring();
      end.leg.reject(404);
      end.leg.hangUp();
      await end.settle();
      expect(end.saw()).toEqual(['rejected 486']);
      expect(told.hangUps).toEqual([]);
      await expect(end.leg.answer('v=0 answer')).rejects.toThrow(LegGone);
    });

    test('hanging up before the answer rejects with 480', async () => {
      const end = await callWith();
      end.leg.hangUp();
      end.leg.hangUp();
      await end.settle();
      expect(end.saw()).toEqual(['rejected 480']);
    });

    test('hanging up after the answer sends one BYE and tells nothing', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      end.leg.hangUp({ reason: 'done' });
      end.leg.hangUp();
      await end.settle();
      expect(end.saw()).toEqual(['answered v=0 answer', 'bye']);
      expect(told.hangUps).toEqual([]);
    });

    test('a CANCEL before the answer is told once and makes the leg gone', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      end.leg.ring();
      await end.settle();
      end.cancel();
      await end.settle();
      end.leg.ring();
      end.leg.reject(486);
      await expect(end.leg.answer('v=0 answer')).rejects.toThrow(LegGone);
      await end.settle();
      expect(end.saw()).toEqual(['ringing']);
      expect(told.hangUps).toEqual([{ kind: 'cancel' }]);
    });

    test('a CANCEL that came before anyone listened is told to whoever listens', async () => {
      const end = await callWith();
      end.cancel();
      await end.settle();
      expect(listenTo(end.leg).hangUps).toEqual([{ kind: 'cancel' }]);
    });

    test('a BYE is told once', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      end.bye();
      await end.settle();
      end.leg.hangUp();
      await end.settle();
      expect(told.hangUps).toEqual([{ kind: 'bye', reason: undefined }]);
      expect(end.saw()).toEqual(['answered v=0 answer']);
    });

    test('when no ACK comes, the pending answer is rejected and the loss told', async () => {
      const end = await callWith({ ack: 'never' });
      const told = listenTo(end.leg);
      const answered = end.leg.answer('v=0 answer');
      const gone = expect(answered).rejects.toThrow(LegGone);
      await end.settle();
      end.lose();
      await gone;
      expect(told.hangUps).toHaveLength(1);
      expect(told.hangUps[0]?.kind).toBe('lost');
    });

    test('when the SIP server is gone, so is the call', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      end.loseServer();
      await end.settle();
      expect(told.hangUps).toEqual([{ kind: 'server-gone' }]);
      expect(() => end.leg.hangUp()).not.toThrow();
    });

    test("a re-INVITE's offer is answered with what the listener replies", async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      await expect(end.reinvite('v=0 hold')).resolves.toEqual({ sdp: 'v=0 new' });
      expect(told.offers).toEqual(['v=0 hold']);
    });

    test('a refused re-INVITE leaves the call as it was', async () => {
      const end = await callWith();
      const told = listenTo(end.leg, () => Promise.resolve({ status: 488 }));
      await end.leg.answer('v=0 answer');
      await expect(end.reinvite('v=0 video-only')).resolves.toEqual({ status: 488 });
      expect(told.hangUps).toEqual([]);
    });

    test('the same offer again is a refresh: it gets the answer in force, and nobody is asked', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      await expect(end.reinvite('v=0 offer')).resolves.toEqual({ sdp: 'v=0 answer' });
      await expect(end.reinvite('v=0 hold')).resolves.toEqual({ sdp: 'v=0 new' });
      await expect(end.reinvite('v=0 hold')).resolves.toEqual({ sdp: 'v=0 new' });
      expect(told.offers).toEqual(['v=0 hold']);
    });

    test('a re-INVITE without an offer gets ours, and the answer in its ACK is told', async () => {
      const end = await callWith({ ackSdp: 'v=0 in-ack' });
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      await expect(end.reinvite()).resolves.toEqual({ sdp: 'v=0 new' });
      await end.settle();
      expect(told.offers).toEqual([undefined]);
      expect(told.answers).toEqual(['v=0 in-ack']);
    });

    test('a second re-INVITE while the first is undecided is told to come again', async () => {
      const end = await callWith();
      let decide: (reply: OfferReply) => void = () => undefined;
      const told = listenTo(end.leg, () => new Promise((resolve) => (decide = resolve)));
      await end.leg.answer('v=0 answer');
      const first = end.reinvite('v=0 one');
      await end.settle();
      await expect(end.reinvite('v=0 two')).resolves.toEqual({ status: 500 });
      decide({ sdp: 'v=0 new' });
      await expect(first).resolves.toEqual({ sdp: 'v=0 new' });
      expect(told.offers).toEqual(['v=0 one']);
    });

    test('a key sent by INFO is told in upper case', async () => {
      const end = await callWith();
      const told = listenTo(end.leg);
      await end.leg.answer('v=0 answer');
      for (const digit of ['5', '#', 'd']) end.pressByInfo(digit);
      await end.settle();
      expect(told.digits).toEqual(['5', '#', 'D']);
    });
  });
}
