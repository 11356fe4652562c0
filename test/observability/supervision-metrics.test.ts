import { Registry } from 'prom-client';

import type { SupervisionRecord } from '../../src/call/supervision-record';
import { SupervisionMetrics } from '../../src/observability/supervision-metrics';
import { endedCall } from '../support/ended-call';

const record: SupervisionRecord = {
  destination: 'boss',
  outcome: 'answered',
  detail: undefined,
  startedAtMs: 1_000,
  answeredAtMs: 2_000,
  endedAtMs: undefined,
  endedBy: undefined,
  modes: [{ mode: 'listen', fromMs: 2_000, toMs: undefined }],
  whispers: { told: 0, lost: 0 },
};

test('supervisors are counted once, by what came of it and by what they did; those who are there now are shown', async () => {
  const registry = new Registry();
  const calls = [
    endedCall({ state: 'active', supervisions: [record] }),
    endedCall({ state: 'active', supervisions: [{ ...record, endedAtMs: 3_000 }] }),
    endedCall({ state: 'ended', supervisions: [record] }),
    endedCall({ state: 'active' }),
  ];
  const metrics = new SupervisionMetrics(registry, () => calls);
  const event = { kind: 'supervision', ...record } as const;
  metrics.told({ ...event, change: 'called', outcome: undefined, modes: [] });
  metrics.told({ ...event, change: 'decided', modes: [] });
  metrics.told({ ...event, change: 'mode' });
  metrics.told({ ...event, change: 'whisper' });
  metrics.told({ ...event, change: 'over' });
  metrics.refused('too-many');
  const text = await registry.metrics();
  expect(text).toContain('ringbridge_supervisions_total{outcome="answered"} 1\n');
  expect(text).toContain('ringbridge_supervision_modes_total{mode="listen"} 1\n');
  expect(text).toContain('ringbridge_supervision_whispers_total 1\n');
  expect(text).toContain('ringbridge_supervision_refusals_total{cause="too-many"} 1\n');
  expect(text).toContain('ringbridge_supervised_calls 1\n');
});
