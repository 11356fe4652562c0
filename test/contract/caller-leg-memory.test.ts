import { VirtualClock } from '../../src/runtime/virtual-clock';
import { MemoryCaller } from '../../src/signalling/memory-caller';
import { describeCallerLeg, type FarEnd, type FarEndOptions } from './caller-leg.contract';

function memoryCall({ offer, ack, ackSdp }: FarEndOptions): Promise<FarEnd> {
  const clock = new VirtualClock();
  const caller = new MemoryCaller({
    clock,
    ...(offer !== undefined && { offer }),
    ackDelayMs: ack === 'never' ? 'never' : 0,
    answerTo: () => ackSdp,
  });
  return Promise.resolve({
    leg: caller.leg,
    saw: () =>
      caller.saw.map((what) => {
        if (what.kind === 'answered') return `answered ${what.sdp}`;
        return what.kind === 'rejected' ? `rejected ${what.status}` : what.kind;
      }),
    cancel: () => caller.cancel(),
    bye: () => caller.bye(),
    lose: () => caller.lose(),
    loseServer: () => caller.loseServer(),
    reinvite: (newOffer) => caller.reinvite(newOffer),
    pressByInfo: (digit) => caller.pressByInfo(digit),
    settle: () => clock.advanceAsync(1),
    close: () => Promise.resolve(),
  });
}

describeCallerLeg('MemoryCaller', memoryCall);
