import { onePlan } from '../support/bridge';
import { calmTest, type Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ServeProcess } from '../support/serve-process';
import { runSipp, startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, receiveBye, refusedCall, waitForCue, type Step } from '../support/sipp-scenario';
import { toneGaps } from '../support/spectrum';

jest.setTimeout(120_000);

const keep = closedAfterEach();

beforeAll(() => buildIfStale());

/** A served bridge, and one call that is up. */
async function callUp(keep: Keep, lastStep: Step) {
  const served = keep(await ServeProcess.start(onePlan('simulator:tone:610')));
  const phone = keep(await RtpPhone.open());
  const steps = [call(phoneSdp({ port: phone.port })), lastStep];
  const sipp = keep(await startSipp({ target: served.sip, steps }));
  await phone.heardPackets(50);
  return { served, phone, sipp };
}

describeWith('sipp')('ringbridge serve', () => {
  calmTest('lets a call go on after SIGTERM, takes no other, and ends well with its BYE', async (keep) => {
    const { served, phone, sipp } = await callUp(keep, [waitForCue, bye].join('\n'));

    served.signal('SIGTERM');
    await served.tells('no new calls');
    const another = await runSipp({ target: served.sip, steps: [refusedCall(503, phoneSdp({ port: 40_000 }))] });
    const ready = await served.status('/ready');
    const health = await served.status('/health');
    await phone.heardPackets(phone.packets.length + 50);
    sipp.cue();

    expect(another).toEqual(wentWell);
    expect({ ready, health }).toEqual({ ready: 503, health: 200 });
    expect(await sipp.finished).toEqual(wentWell);
    expect(await served.exited).toBe(0);
    expect(toneGaps(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000, 610)).toEqual([]);
    const ends = (await served.journal()).filter(({ type }) => type === 'call.end');
    expect(ends).toMatchObject([{ reason: { kind: 'caller-hung-up' }, blame: 'nobody' }]);
  });

  test('ends the calls in progress on a second SIGTERM', async () => {
    const { served, sipp } = await callUp(keep, receiveBye);

    served.signal('SIGTERM');
    await served.tells('no new calls');
    served.signal('SIGTERM');

    expect(await sipp.finished).toEqual(wentWell);
    expect(await served.exited).toBe(0);
    const ends = (await served.journal()).filter(({ type }) => type === 'call.end');
    expect(ends).toMatchObject([{ reason: { kind: 'draining' }, blame: 'nobody' }]);
  });
});
