import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { dominantHz } from '../support/spectrum';

jest.setTimeout(90_000);

const keep = closedAfterEach();

describeWith('baresip', 'opus')('a call by baresip in Opus', () => {
  // Of the second pair telephony at 8 kHz carries nothing.
  test.each([
    { callerHz: 1_010, agentHz: 610 },
    { callerHz: 6_010, agentHz: 5_510 },
  ])(
    'is heard on both sides, the caller at $callerHz Hz and the agent at $agentHz Hz',
    async ({ callerHz, agentHz }) => {
      const model = keep(await ModelUnderTap.start(`tone:${agentHz}`));
      const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
      const baresip = keep(await Baresip.start({ toneHz: callerHz, codec: 'opus' }));

      baresip.dial(`sip:100@${bridge.sip()}`);
      await baresip.eventOf('CALL_ESTABLISHED');
      await model.heardSeconds(2);
      baresip.hangUp();
      await baresip.eventOf('CALL_CLOSED');

      const [ended] = await bridge.endedCalls();
      expect(ended).toMatchObject({
        reason: { kind: 'caller-hung-up', how: { kind: 'bye' } },
        media: { codec: 'OPUS/48000/2', packetsLost: 0 },
      });
      const { dropped } = ended?.media as { dropped: Record<string, number> };
      expect(Object.keys(dropped).filter((cause) => cause !== 'rtcp-no-report')).toEqual([]);
      expect(dominantHz(model.heard().subarray(24_000), 24_000)).toBeCloseTo(callerHz, 0);
      const { samples, rateHz } = await baresip.heard();
      expect(dominantHz(samples.subarray(rateHz / 2), rateHz)).toBeCloseTo(agentHz, 0);
      expect(bridge.errors()).toEqual([]);
    },
  );

  test('has G.711 where the settings say so', async () => {
    const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610'), { RINGBRIDGE_CODECS: 'pcma' }));
    const baresip = keep(await Baresip.start({ codec: 'opus' }));
    baresip.dial(`sip:100@${bridge.sip()}`);
    expect((await baresip.eventOf('CALL_CLOSED')).param).toContain('488');
    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ reason: { kind: 'bad-offer', status: 488 } });
  });
});
